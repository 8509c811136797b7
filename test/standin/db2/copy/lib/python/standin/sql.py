"""Db2's SQL as far as tests use it, told to SQLite: names fold to upper case, schemas are part of a table's name."""
import re
import sqlite3

CATALOG = {
    'SYSIBM.SYSDUMMY1': "(select 'Y' as IBMREQD)",
    'SYSIBM.SYSVERSIONS': "(select '%(release)s' as VERSIONNUMBER)",
    'SYSCAT.TABLES': "(select substr(name, 1, instr(name, '.') - 1) as TABSCHEMA, substr(name, instr(name, '.') + 1) as TABNAME,"
    " 'T' as TYPE from sqlite_master where type = 'table' and instr(name, '.') > 0"
    " union all select 'SYSIBM', 'SYSTABLES', 'T')",
    'SYSIBMADM.DBPATHS': '(%(paths)s)',
}
NAME = r'(?:"[^"]+"|[A-Z@#$_][A-Z0-9@#$_]*)'
TABLE = re.compile(
    r'\b(FROM|JOIN|INTO|UPDATE|CREATE TABLE|DROP TABLE|ALTER TABLE|DELETE FROM)\s+(%s)(?:\s*\.\s*(%s))?' % (NAME, NAME)
)


class Error(Exception):
    pass


def fold(text):
    """Upper case outside quotes."""
    parts = re.split(r"('(?:[^']|'')*'|\"[^\"]*\")", text)
    return ''.join(part if i % 2 else part.upper() for i, part in enumerate(parts))


def translate(text, schema, values):
    text = fold(text.strip().rstrip(';'))
    text = re.sub(r'\bFETCH FIRST (\d+) ROWS? ONLY\b', r'LIMIT \1', text)
    text = re.sub(r'\bCURRENT (TIMESTAMP|DATE|TIME)\b', r'CURRENT_\1', text)
    text = re.sub(r'\bWITH (UR|CS|RS|RR)\s*$', '', text)
    text = re.sub(r'\bVALUES\s+(?!\()([^\s,)]+)', r'VALUES(\1)', text)
    # Names of common table expressions are nobody's tables.
    own = {name for name in re.findall(r'(?:\bWITH|,)\s*(%s)\s*(?:\([^)]*\))?\s*AS\s*\(' % NAME, text)}

    def table(match):
        verb, first, second = match.groups()
        if second is None and first in own or first == 'TABLE':
            return match.group(0)
        place, name = (first, second) if second else (schema, first)
        place, name = place.strip('"'), name.strip('"')
        if place + '.' + name in CATALOG:
            return '%s %s' % (verb, CATALOG[place + '.' + name] % values)
        return '%s "%s.%s"' % (verb, place, name)

    return TABLE.sub(table, text)


CODES = (
    (r'no such table: (.*)', 'SQL0204N  "%s" is an undefined name.  SQLSTATE=42704'),
    (r'table "?(.*?)"? already exists', 'SQL0601N  The name of the object to be created is identical to the existing name "%s" of type "TABLE".  SQLSTATE=42710'),
    (r'UNIQUE constraint failed: (.*)', 'SQL0803N  One or more values in the INSERT statement, UPDATE statement, or foreign key update caused by a DELETE statement are not valid because the primary key, unique constraint or unique index identified by "1" constrains table "%s" from having duplicate values for the index key.  SQLSTATE=23505'),
    (r'NOT NULL constraint failed: (.*)', 'SQL0407N  Assignment of a NULL value to a NOT NULL column "%s" is not allowed.  SQLSTATE=23502'),
    (r'no such column: (.*)', 'SQL0206N  "%s" is not valid in the context where it is used.  SQLSTATE=42703'),
)


def run(connection, text, schema, values):
    """(columns, rows) of a query, (None, count) of anything else; one statement is one transaction."""
    try:
        cursor = connection.execute(translate(text, schema, values))
        if cursor.description:
            return [column[0] for column in cursor.description], cursor.fetchall()
        return None, cursor.rowcount
    except sqlite3.Error as error:
        for pattern, message in CODES:
            found = re.match(pattern, str(error))
            if found:
                raise Error(message % found.group(1))
        raise Error('SQL0104N  An unexpected token was found (%s).  SQLSTATE=42601' % error)


def connect(path):
    connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    # A commit is on the disk, with its directory, before it is acknowledged.
    connection.execute('pragma journal_mode = delete')
    connection.execute('pragma synchronous = extra')
    return connection
