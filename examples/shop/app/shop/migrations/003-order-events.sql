-- What the worker did. Old orders have no events.
CREATE TABLE order_events (
    id       bigserial PRIMARY KEY,
    order_id bigint NOT NULL,
    event    text NOT NULL,
    by       text,
    at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX order_events_order ON order_events (order_id);
