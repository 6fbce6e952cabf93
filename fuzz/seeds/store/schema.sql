SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
-- The schema of release 0.9. No foreign keys: they were "too slow", which is why there are orphans.
CREATE TABLE products (
    id         bigserial PRIMARY KEY,
    sku        text,
    name       text NOT NULL,
    price      numeric(12, 2),
    popularity integer NOT NULL DEFAULT 0,
    attributes jsonb,
    updated_at timestamptz
);
CREATE TABLE customers (
    id         bigserial PRIMARY KEY,
    email      text,
    name       text,
    address    text,
    phone      text,
    created_at timestamptz
);
CREATE TABLE orders (
    id          bigserial PRIMARY KEY,
    customer_id bigint,
    status      text NOT NULL,
    total_cents bigint,
    placed_at   timestamptz,
    note        text
);
CREATE TABLE order_lines (
    order_id    bigint NOT NULL,
    product_id  bigint NOT NULL,
    quantity    integer NOT NULL,
    price_cents bigint
);
CREATE TABLE reviews (
    id         bigserial PRIMARY KEY,
    product_id bigint,
    stars      smallint,
    body       text
);
CREATE TABLE schema_migrations (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO schema_migrations VALUES (1, '2023-11-14 22:13:20+00:00');
