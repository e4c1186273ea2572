"""What gunicorn serves: `gunicorn crmsite.wsgi`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crmsite.settings")

from django.core.wsgi import get_wsgi_application

from crmsite import egress, logs, startup

application = get_wsgi_application()

startup.refuse_plain_http()
startup.refuse_a_powerful_role()
egress.enforce()
logs.withhold_gunicorns_words()
