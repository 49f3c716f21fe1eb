SELECT date FROM {{ source('marts', 'dim_date') }}
