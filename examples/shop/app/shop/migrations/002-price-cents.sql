-- Release 1.0 counts in cents. Products without a price were withdrawn and stay without one.
ALTER TABLE products ADD COLUMN price_cents bigint;
UPDATE products SET price_cents = round(price * 100) WHERE price IS NOT NULL;
CREATE INDEX products_popularity ON products (popularity DESC, id);
