"""The database's roles: one owns it and migrates, one serves and owns nothing, and one is the
operator's own, who looks after it and sees nobody's orders (clause T3)."""

from psycopg import Connection, connect, sql
from psycopg.conninfo import make_conninfo

OWNER_ROLE = "covenant_owner"
WEB_ROLE = "covenant_web"
OPERATOR_ROLE = "covenant_operator"  # without a password until somebody gives it one
WITHOUT_POWERS = "NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION"


def provide(superuser: Connection, database: str, passwords: dict[str, str]) -> None:
    """Make the roles in `passwords` (the owner first, then the web role) and the owner's database.

    What is there already is kept; passwords are set anew. The README's production steps do the
    same by hand.
    """
    owner, web = passwords
    for role, password in passwords.items():
        if not exists(superuser, "SELECT FROM pg_roles WHERE rolname = %s", role):
            superuser.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        superuser.execute(
            sql.SQL(f"ALTER ROLE {{}} LOGIN {WITHOUT_POWERS} PASSWORD {{}}").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )
    # Whoever has the web role's password may see its other sessions' statements, values and all.
    superuser.execute(
        sql.SQL("ALTER ROLE {} SET track_activities = off").format(sql.Identifier(web))
    )
    if not exists(superuser, "SELECT FROM pg_roles WHERE rolname = %s", OPERATOR_ROLE):
        superuser.execute(
            sql.SQL(f"CREATE ROLE {{}} NOLOGIN {WITHOUT_POWERS}").format(
                sql.Identifier(OPERATOR_ROLE)
            )
        )
    if not exists(superuser, "SELECT FROM pg_database WHERE datname = %s", database):
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(database), sql.Identifier(owner)
            )
        )
    inside = make_conninfo(superuser.info.dsn, dbname=database, password=superuser.info.password)
    with connect(inside, autocommit=True) as there:
        keep_no_files(there)
    let_in(superuser, database, web)


def keep_no_files(superuser: Connection) -> None:
    """Let nobody make large objects in the database of this connection: no row rule holds them."""
    superuser.execute(
        "REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea)"
        " FROM PUBLIC"
    )


def let_in(superuser: Connection, database: str, web: str) -> None:
    """Close the database to everybody but its owner, and open it to the web role and, for the few
    tables that it may read, the operator's."""
    names = {
        "database": sql.Identifier(database),
        "web": sql.Identifier(web),
        "operator": sql.Identifier(OPERATOR_ROLE),
    }
    superuser.execute(sql.SQL("REVOKE ALL ON DATABASE {database} FROM PUBLIC").format(**names))
    # No TEMPORARY: a temporary table would stand before the real one of its name.
    superuser.execute(sql.SQL("REVOKE ALL ON DATABASE {database} FROM {web}").format(**names))
    superuser.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {web}").format(**names))
    superuser.execute(sql.SQL("GRANT CONNECT ON DATABASE {database} TO {operator}").format(**names))


def exists(superuser: Connection, query: str, name: str) -> bool:
    return superuser.execute(query, [name]).fetchone() is not None
