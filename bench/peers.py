"""The same reconciliation, asked of general query engines.

Each run is a process of its own: `peers.py ENGINE FORM FORMAT DIR OUT THREADS` reads
DIR/ledger.FORMAT and DIR/channel.FORMAT, writes one CSV line for each order that is not clean
(class, order, both amounts, both statuses) to OUT, and prints the number of each class as JSON.

Two forms of the question are asked, and both are timed, so that no engine is judged by the
wording it likes least:

* `group`: all rows of both files in one list, grouped by order, keeping groups that are not one
  row a side with equal amount and status;
* `join`: a full outer join on the order, and one grouping a side to find repeated orders.

Every engine gets the column types in advance (no sniffing), reads only what it needs, and is told
that no field is quoted. Amounts are compared as whole minor units.
"""

import json
import sys
from collections import Counter

LEDGER = [  # column, (ClickHouse, DuckDB)
    ("order_id", "String", "VARCHAR"),
    ("merchant_id", "String", "VARCHAR"),
    ("channel_ref", "String", "VARCHAR"),
    ("amount", "Decimal64(2)", "DECIMAL(18,2)"),
    ("currency", "String", "VARCHAR"),
    ("status", "String", "VARCHAR"),
    ("created_at", "String", "VARCHAR"),
    ("fee", "String", "VARCHAR"),
]
CHANNEL = [
    ("channel_ref", "String", "VARCHAR"),
    ("order_id", "String", "VARCHAR"),
    ("amount", "Int64", "BIGINT"),
    ("currency", "String", "VARCHAR"),
    ("status", "String", "VARCHAR"),
    ("settled_at", "String", "VARCHAR"),
    ("fee", "String", "VARCHAR"),
]
# The statuses of both sides as one small number each; any other word is 3.
LEDGER_STATUS = ["SUCCESS", "REFUNDED", "CLOSED"]
CHANNEL_STATUS = ["00", "05", "09"]

CLASSES = {
    "duplicate_in_ledger": "DUPLICATE_IN_A",
    "duplicate_in_channel": "DUPLICATE_IN_B",
    "missing_in_ledger": "MISSING_IN_A",
    "missing_in_channel": "MISSING_IN_B",
    "amount_mismatch": "AMOUNT_MISMATCH",
    "status_mismatch": "STATUS_MISMATCH",
}
# In SQL of either dialect, over rows (left_rows, right_rows, left_amount, right_amount …).
CLASS_OF_GROUP = (
    "CASE WHEN left_rows > 1 THEN 'duplicate_in_ledger' WHEN right_rows > 1 THEN 'duplicate_in_channel'"
    " WHEN left_rows = 0 THEN 'missing_in_ledger' WHEN right_rows = 0 THEN 'missing_in_channel'"
    " WHEN left_amount <> right_amount THEN 'amount_mismatch' ELSE 'status_mismatch' END"
)
UNCLEAN_GROUP = (
    "left_rows <> 1 OR right_rows <> 1 OR left_amount <> right_amount OR left_status <> right_status"
)
FIELDS = "class, order_id, left_amount, right_amount, left_status, right_status"


def status_number(words, integer):
    """Returns SQL that maps a status word to its number."""
    cases = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"CAST(CASE status {cases} ELSE 3 END AS {integer})"


def clickhouse(form, kind, directory, out, threads):
    """Asks ClickHouse (chdb)."""
    import chdb

    def side(name, columns, amount, words):
        source = f"file('{directory}/{name}.{kind}', "
        if kind == "csv":
            source += "'CSVWithNames', '" + ", ".join(f"{c} {t}" for c, t, _ in columns) + "')"
        else:
            source += "'Parquet')"
        return (
            f"SELECT assumeNotNull(order_id) AS order_id, {amount} AS amount_minor,"
            f" {status_number(words, 'Int8')} AS status_class FROM {source}"
        )

    left = side("ledger", LEDGER, "toInt64(assumeNotNull(amount) * 100)", LEDGER_STATUS)
    right = side("channel", CHANNEL, "toInt64(assumeNotNull(amount))", CHANNEL_STATUS)
    if form == "group":
        # Sums of "in left" times value are how ClickHouse does this fastest: no nullable columns.
        query = f"""
        SELECT {CLASS_OF_GROUP} AS class, order_id, left_amount, right_amount, left_status, right_status
        FROM (
          SELECT order_id,
                 sum(in_left) AS left_rows, sum(1 - in_left) AS right_rows,
                 sum(in_left * amount_minor) AS left_amount, sum((1 - in_left) * amount_minor) AS right_amount,
                 sum(in_left * status_class) AS left_status, sum((1 - in_left) * status_class) AS right_status
          FROM (SELECT *, toInt64(1) AS in_left FROM ({left})
                UNION ALL SELECT *, toInt64(0) AS in_left FROM ({right}))
          GROUP BY order_id HAVING {UNCLEAN_GROUP})"""
    else:
        # An absent side of an outer join is the empty text, which no order is.
        query = f"""
        SELECT CASE WHEN l.order_id = '' THEN 'missing_in_ledger' WHEN r.order_id = '' THEN 'missing_in_channel'
                    WHEN l.amount_minor <> r.amount_minor THEN 'amount_mismatch' ELSE 'status_mismatch' END AS class,
               if(l.order_id = '', r.order_id, l.order_id) AS order_id,
               l.amount_minor AS left_amount, r.amount_minor AS right_amount,
               l.status_class AS left_status, r.status_class AS right_status
        FROM ({left}) AS l FULL OUTER JOIN ({right}) AS r ON l.order_id = r.order_id
        WHERE l.order_id = '' OR r.order_id = '' OR l.amount_minor <> r.amount_minor
              OR l.status_class <> r.status_class
        UNION ALL SELECT 'duplicate_in_ledger', order_id, min(amount_minor), 0, min(status_class), 0
        FROM ({left}) GROUP BY order_id HAVING count() > 1
        UNION ALL SELECT 'duplicate_in_channel', order_id, 0, min(amount_minor), 0, min(status_class)
        FROM ({right}) GROUP BY order_id HAVING count() > 1"""
    # Beyond 12 GB a grouping goes to disk; without that it would be killed on a 24 GB machine.
    query = (
        f"SELECT {FIELDS} FROM ({query}) SETTINGS max_threads = {threads}, max_memory_usage = 0,"
        " max_bytes_before_external_group_by = 12000000000, max_bytes_ratio_before_external_group_by = 0"
    )
    with open(out, "wb") as file:
        file.write(chdb.query(query, "CSVWithNames").bytes())


def duckdb(form, kind, directory, out, threads):
    """Asks DuckDB."""
    import duckdb as engine

    def side(name, columns, amount, words):
        if kind == "csv":
            types = ", ".join(f"'{c}': '{t}'" for c, _, t in columns)
            source = (
                f"read_csv('{directory}/{name}.csv', header = true, delim = ',', quote = '', escape = '',"
                f" auto_detect = false, columns = {{{types}}})"
            )
        else:
            source = f"read_parquet('{directory}/{name}.parquet')"
        return (
            f"SELECT order_id, {amount} AS amount_minor, {status_number(words, 'TINYINT')} AS status_class"
            f" FROM {source}"
        )

    left = side("ledger", LEDGER, "CAST(amount * 100 AS BIGINT)", LEDGER_STATUS)
    right = side("channel", CHANNEL, "CAST(amount AS BIGINT)", CHANNEL_STATUS)
    if form == "group":
        query = f"""
        WITH listed AS (
          SELECT order_id, amount_minor AS la, NULL::BIGINT AS ra, status_class AS ls, NULL::TINYINT AS rs
          FROM ({left})
          UNION ALL SELECT order_id, NULL, amount_minor, NULL, status_class FROM ({right})),
        grouped AS (
          SELECT order_id, count(la) AS left_rows, count(ra) AS right_rows, min(la) AS left_amount,
                 min(ra) AS right_amount, min(ls) AS left_status, min(rs) AS right_status
          FROM listed GROUP BY order_id)
        SELECT {CLASS_OF_GROUP} AS class, {FIELDS.removeprefix("class, ")} FROM grouped WHERE {UNCLEAN_GROUP}"""
    else:
        query = f"""
        WITH l AS ({left}), r AS ({right})
        SELECT CASE WHEN l.order_id IS NULL THEN 'missing_in_ledger'
                    WHEN r.order_id IS NULL THEN 'missing_in_channel'
                    WHEN l.amount_minor <> r.amount_minor THEN 'amount_mismatch' ELSE 'status_mismatch' END AS class,
               coalesce(l.order_id, r.order_id) AS order_id, l.amount_minor AS left_amount,
               r.amount_minor AS right_amount, l.status_class AS left_status, r.status_class AS right_status
        FROM l FULL OUTER JOIN r ON l.order_id = r.order_id
        WHERE l.order_id IS NULL OR r.order_id IS NULL OR l.amount_minor <> r.amount_minor
              OR l.status_class <> r.status_class
        UNION ALL SELECT 'duplicate_in_ledger', order_id, min(amount_minor), NULL, min(status_class), NULL
        FROM l GROUP BY order_id HAVING count(*) > 1
        UNION ALL SELECT 'duplicate_in_channel', order_id, NULL, min(amount_minor), NULL, min(status_class)
        FROM r GROUP BY order_id HAVING count(*) > 1"""
    connection = engine.connect()
    connection.execute(f"SET threads = {threads}; SET temp_directory = '{out}.spill'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"COPY ({query}) TO '{out}' (FORMAT csv, HEADER)")


def polars(form, kind, directory, out, threads):
    """Asks Polars (its streaming engine). POLARS_MAX_THREADS is set by the caller."""
    import polars as pl

    def side(name, columns, words, amount):
        if kind == "csv":
            types = {"BIGINT": pl.Int64, "DECIMAL(18,2)": pl.Decimal(18, 2), "VARCHAR": pl.String}
            schema = {column: types[sql] for column, _, sql in columns}
            frame = pl.scan_csv(f"{directory}/{name}.csv", quote_char=None, schema=schema)
        else:
            frame = pl.scan_parquet(f"{directory}/{name}.parquet")
        number = pl.lit(3, pl.Int8)
        for value, word in enumerate(words):
            number = pl.when(pl.col("status") == word).then(pl.lit(value, pl.Int8)).otherwise(number)
        return frame.select("order_id", amount_minor=amount, status_class=number)

    left = side("ledger", LEDGER, LEDGER_STATUS, (pl.col("amount") * 100).cast(pl.Int64))
    right = side("channel", CHANNEL, CHANNEL_STATUS, pl.col("amount").cast(pl.Int64))
    if form == "group":
        no_amount, no_status = pl.lit(None, pl.Int64), pl.lit(None, pl.Int8)
        listed = pl.concat(
            [
                left.select("order_id", la="amount_minor", ra=no_amount, ls="status_class", rs=no_status),
                right.select("order_id", la=no_amount, ra="amount_minor", ls=no_status, rs="status_class"),
            ]
        )
        found = listed.group_by("order_id").agg(
            left_rows=pl.col("la").count(),
            right_rows=pl.col("ra").count(),
            left_amount=pl.col("la").min(),
            right_amount=pl.col("ra").min(),
            left_status=pl.col("ls").min(),
            right_status=pl.col("rs").min(),
        )
    else:
        pairs = left.join(right, on="order_id", how="full", coalesce=True, suffix="_right")
        found = pairs.select(
            "order_id",
            left_rows=pl.col("amount_minor").is_not_null().cast(pl.Int64),
            right_rows=pl.col("amount_minor_right").is_not_null().cast(pl.Int64),
            left_amount="amount_minor",
            right_amount="amount_minor_right",
            left_status="status_class",
            right_status="status_class_right",
        )
    rows_l, rows_r = pl.col("left_rows"), pl.col("right_rows")
    amounts_differ = pl.col("left_amount") != pl.col("right_amount")
    unclean = found.filter(
        (rows_l != 1) | (rows_r != 1) | amounts_differ | (pl.col("left_status") != pl.col("right_status"))
    )
    name = (
        pl.when(rows_l > 1).then(pl.lit("duplicate_in_ledger"))
        .when(rows_r > 1).then(pl.lit("duplicate_in_channel"))
        .when(rows_l == 0).then(pl.lit("missing_in_ledger"))
        .when(rows_r == 0).then(pl.lit("missing_in_channel"))
        .when(amounts_differ).then(pl.lit("amount_mismatch"))
        .otherwise(pl.lit("status_mismatch"))
    )
    columns = FIELDS.removeprefix("class, ").split(", ")
    answer = [unclean.select(name.alias("class"), *columns)]
    if form == "join":
        for which, frame in (("ledger", left), ("channel", right)):
            repeated = frame.group_by("order_id").agg(rows=pl.len()).filter(pl.col("rows") > 1)
            nothing = {column: pl.lit(None, unclean_type) for column, unclean_type in
                       zip(columns[1:], [pl.Int64, pl.Int64, pl.Int8, pl.Int8])}
            answer.append(repeated.select(pl.lit(f"duplicate_in_{which}").alias("class"), "order_id", **nothing))
    pl.concat(answer).sink_csv(out, engine="streaming")


ENGINES = {"clickhouse": clickhouse, "duckdb": duckdb, "polars": polars}


def count_classes(path):
    """Counts the lines of each class in an answer."""
    with open(path) as file:
        next(file)
        found = Counter(line.split(",", 1)[0].strip('"') for line in file)
    return {CLASSES[name]: found.get(name, 0) for name in CLASSES}


if __name__ == "__main__":
    engine, form, kind, directory, out, threads = sys.argv[1:]
    ENGINES[engine](form, kind, directory, out, int(threads))
    print(json.dumps(count_classes(out)))
