"""Db2's SQL as far as tests use it, told to SQLite: names fold to upper case, schemas are part of a table's name."""
import re
import sqlite3
import time

NAME = r'(?:"[^"]+"|[A-Z@#$_][A-Z0-9@#$_]*)'
TABLE = re.compile(
    r'\b(FROM|JOIN|INTO|UPDATE|CREATE TABLE|DROP TABLE|ALTER TABLE|DELETE FROM)\s+(%s)(?:\s*\.\s*(%s))?' % (NAME, NAME)
)
TABLES = (
    "(select substr(name, 1, instr(name, '.') - 1) as TABSCHEMA, substr(name, instr(name, '.') + 1) as TABNAME,"
    " 'T' as TYPE from sqlite_master where type = 'table' and instr(name, '.') > 0"
    " union all select 'SYSIBM', 'SYSTABLES', 'T' union all select 'SYSIBM', 'SYSCOLUMNS', 'T')"
)


class Error(Exception):
    pass


def literal(value):
    return "'%s'" % str(value).replace("'", "''")


def relation(columns, rows):
    """A subselect with fixed rows."""
    picked = ', '.join('%s as %s' % (literal(''), own) for own in columns)
    body = ' union all '.join('select ' + ', '.join(literal(own) for own in row) for row in rows)
    return '(select %s where 0%s)' % (picked, ' union all ' + body if body else '')


def fold(text):
    """Upper case outside quotes."""
    parts = re.split(r"('(?:[^']|'')*'|\"[^\"]*\")", text)
    return ''.join(part if i % 2 else part.upper() for i, part in enumerate(parts))


def translate(text, schema, catalog):
    """`catalog(name)` gives the subselect of a catalog view, or None."""
    text = fold(text.strip().rstrip(';'))
    text = re.sub(r'\bFETCH FIRST (\d+) ROWS? ONLY\b', r'LIMIT \1', text)
    text = re.sub(r'\b(GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY)\s*(\([^)]*\))?', '', text)
    if not text.startswith('CREATE'):
        # Written out, so that a log that is applied later says the same.
        now = time.strftime("'%Y-%m-%d-%H.%M.%S.000000'")
        text = re.sub(r'\bCURRENT[ _]TIMESTAMP\b', now, text)
        text = re.sub(r'\bCURRENT[ _]DATE\b', time.strftime("'%Y-%m-%d'"), text)
        text = re.sub(r'\bCURRENT[ _]TIME\b', time.strftime("'%H:%M:%S'"), text)
        text = re.sub(r'\bCURRENT[ _]SCHEMA\b', literal(schema), text)
    text = re.sub(r'\bCURRENT (TIMESTAMP|DATE|TIME)\b', r'CURRENT_\1', text)
    text = re.sub(r'\bWITH (UR|CS|RS|RR)\s*$', '', text)
    text = re.sub(r'(\))\s*(?:IN [A-Z]\w*|ORGANIZE BY \w+)\s*$', r'\1', text) if text.startswith('CREATE TABLE') else text
    # VALUES 1, 2 are two rows.
    text = re.sub(r'\bVALUES\s+(?!\()([^()]+?)(?=\s+UNION\b|\)|$)', lambda found: 'VALUES ' + ', '.join('(%s)' % own for own in found.group(1).split(',')), text)
    # Names of common table expressions are nobody's tables.
    own = {name for name in re.findall(r'(?:\bWITH|,)\s*(%s)\s*(?:\([^)]*\))?\s*AS\s*\(' % NAME, text)}

    def table(match):
        verb, first, second = match.groups()
        if second is None and first in own or first == 'TABLE':
            return match.group(0)
        place, name = (first, second) if second else (schema, first)
        place, name = place.strip('"'), name.strip('"')
        view = catalog(place + '.' + name)
        return '%s %s' % (verb, view) if view else '%s "%s.%s"' % (verb, place, name)

    return TABLE.sub(table, text)


CODES = (
    (r'no such table: (.*)', 'SQL0204N  "%s" is an undefined name.  SQLSTATE=42704'),
    (r'table "?(.*?)"? already exists', 'SQL0601N  The name of the object to be created is identical to the existing name "%s" of type "TABLE".  SQLSTATE=42710'),
    (r'UNIQUE constraint failed: (.*)\.', 'SQL0803N  One or more values in the INSERT statement, UPDATE statement, or foreign key update caused by a DELETE statement are not valid because the primary key, unique constraint or unique index identified by "1" constrains table "%s" from having duplicate values for the index key.  SQLSTATE=23505'),
    (r'NOT NULL constraint failed: (.*)', 'SQL0407N  Assignment of a NULL value to a NOT NULL column "%s" is not allowed.  SQLSTATE=23502'),
    (r'no such column: (.*)', 'SQL0206N  "%s" is not valid in the context where it is used.  SQLSTATE=42703'),
    (r'(database or disk is full|disk I/O error)', 'SQL0968C  The file system is full.  SQLSTATE=57011'),
    (r'(database disk image is malformed|file is not a database)', 'SQL1034C  The database was damaged, so all applications processing the database were stopped.  SQLSTATE=58031'),
)


def message(error):
    for pattern, text in CODES:
        found = re.match(pattern, str(error))
        if found:
            return text % found.group(1) if '%s' in text else text
    return 'SQL0104N  An unexpected token was found (%s).  SQLSTATE=42601' % error


def reads(text):
    return bool(re.match(r'\s*(select|values|with)\b', text, re.I))


def run(connection, text):
    """(columns, rows) of a query, (None, count) of anything else."""
    cursor = connection.execute(text)
    if cursor.description:
        return [column[0] for column in cursor.description], cursor.fetchall()
    return None, cursor.rowcount


def connect(path):
    connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    # A commit is on the disk, with its directory, before it is acknowledged.
    connection.execute('pragma journal_mode = delete')
    connection.execute('pragma synchronous = extra')
    connection.execute('pragma case_sensitive_like = on')
    return connection
