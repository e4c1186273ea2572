from django.urls import path

from benchmarks.usual import views
from crmsite.urls import urlpatterns as ours

urlpatterns = [path("orders/", views.orders), *ours]
