-- The database roles and the extensions, run by a superuser through psql; safe to run again.
-- Passwords come from the environment so that they stand in no command line:
--   FRONTDESK_OWNER_PASSWORD, FRONTDESK_APP_PASSWORD, optionally FRONTDESK_SWEEP_PASSWORD and FRONTDESK_DATABASE
--   (default frontdesk).
-- frontdesk_owner migrates and owns everything; frontdesk_app is the role the pages and workers use:
-- it owns nothing, and row security binds it. frontdesk_sweep may only read, and only the columns that the
-- schedule audit needs, of all practices (scheduling/audit/sweep.py names them and each migration grants them);
-- without a password for it nobody can sign in as it, and every practice is looked at by itself.
\set ON_ERROR_STOP on
\set database frontdesk
\getenv database FRONTDESK_DATABASE
\getenv owner_password FRONTDESK_OWNER_PASSWORD
\getenv app_password FRONTDESK_APP_PASSWORD
\getenv sweep_password FRONTDESK_SWEEP_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM (VALUES ('frontdesk_owner'), ('frontdesk_app'), ('frontdesk_sweep')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- CREATEDB is left alone: only a test cluster gives it to the owner.
ALTER ROLE frontdesk_owner WITH LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
ALTER ROLE frontdesk_app WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'app_password';
ALTER ROLE frontdesk_sweep WITH NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
\if :{?sweep_password}
ALTER ROLE frontdesk_sweep WITH LOGIN PASSWORD :'sweep_password';
\endif
-- Its one statement sorts the visits of a thousand practices; it is asked by one process at a time.
ALTER ROLE frontdesk_sweep SET work_mem = '64MB';

SELECT format('CREATE DATABASE %I OWNER frontdesk_owner', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec

-- A template stays with the superuser; what it holds is inherited by every database made from it.
SELECT statement
FROM (VALUES
    (format('ALTER DATABASE %I OWNER TO frontdesk_owner', :'database')),
    (format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database')),
    (format('GRANT CONNECT ON DATABASE %I TO frontdesk_app, frontdesk_sweep', :'database'))
) AS wanted (statement)
WHERE NOT (SELECT datistemplate FROM pg_database WHERE datname = :'database')
\gexec

\connect :database

CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO frontdesk_app, frontdesk_sweep;
GRANT USAGE, CREATE ON SCHEMA public TO frontdesk_owner;

-- No TRUNCATE (it would walk past row security), no REFERENCES, no TRIGGER.
ALTER DEFAULT PRIVILEGES FOR ROLE frontdesk_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO frontdesk_app;
ALTER DEFAULT PRIVILEGES FOR ROLE frontdesk_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO frontdesk_app;
