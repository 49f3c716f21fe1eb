-- Exchange rates are the user's to keep, beside common_currency; the marts show them to BI.
CREATE TABLE public.common_currency_rate (
    id SERIAL PRIMARY KEY,
    from_currency VARCHAR(3) NOT NULL,
    to_currency VARCHAR(3) NOT NULL,
    rate_date DATE NOT NULL,
    rate NUMERIC(20,10) NOT NULL CHECK (rate > 0),
    internal_created TIMESTAMPTZ DEFAULT NOW(),
    internal_modified TIMESTAMPTZ DEFAULT NOW(),
    CHECK (from_currency <> to_currency)
);
CREATE UNIQUE INDEX common_currency_rate_day_idx ON public.common_currency_rate (from_currency, to_currency, rate_date);
CREATE VIEW marts.currency_rate AS SELECT from_currency, to_currency, rate_date, rate FROM public.common_currency_rate;
