--
-- PostgreSQL database cluster dump
--
\restrict abc123
CREATE ROLE shop;
ALTER ROLE shop WITH LOGIN PASSWORD 'x';
CREATE DATABASE "shop" WITH TEMPLATE = template0;
DROP DATABASE shop;
\connect shop
SET x = 1;
\unrestrict abc123
