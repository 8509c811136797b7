"""What the command line prints: messages and results, with the variants of /var/db2/standin.conf."""
import re

from german import translated

VARIANTS = {}
LANGUAGE = ['en']
OVERWRITE = (
    'SQL2539W  The specified name of the backup image to restore is the same as the name of the target database.  Restoring to an existing '
    'database that is the same as the backup image database will cause the current database to be overwritten by the backup version.'
)
OTHER = (
    'SQL2529W  Warning!  Restoring to an existing database that is different from the backup image database, and the alias name "%s" of the '
    'existing database does not match the alias name "%s" of the backup image.  The target database will be overwritten by the backup version.'
)


def prepare(env):
    VARIANTS.clear()
    try:
        with open('/var/db2/standin.conf') as file:
            for line in file:
                key, _, value = line.strip().partition('=')
                VARIANTS[key.removeprefix('STANDIN_')] = value
    except OSError:
        pass
    VARIANTS.update({key[8:]: value for key, value in env.items() if key.startswith('STANDIN_')})
    language = env.get('LC_ALL') or env.get('LC_MESSAGES') or env.get('LANG') or 'C'
    LANGUAGE[0] = 'de' if language.startswith('de') else 'en'


def words(english, german):
    return german if LANGUAGE[0] == 'de' else english


def blank():
    return '' if VARIANTS.get('BLANK_LINES') == 'off' else '\n'


def empty(value):
    """` = VALUE`; some outputs of Db2 keep a blank behind the sign, some do not (CFG_BLANK)."""
    return '= ' + value if value or VARIANTS.get('CFG_BLANK') != 'off' else '='


def message(text, end='\n'):
    text = words(text, translated(text))
    if VARIANTS.get('WRAP') == 'off':
        return text + end
    trail = '' if VARIANTS.get('CLP_TRAILING_BLANK') == 'off' else ' '
    lines, line = [], ''
    for gap, word in re.findall(r'( *)(\S+)', text):
        if line and len(line + gap + word) > 78:
            lines.append(line + trail)
            line = word
        else:
            line += gap + word
    return '\n'.join(lines + [line]) + end


def connection(answer):
    version = answer['server']
    v, r, m, f = version.split('.')
    if (int(v), int(r)) < (11, 1):
        version = '%s.%s.%s' % (v, r, f)
    labels = words(('Database server', 'SQL authorization ID', 'Local database alias'), ('Datenbankserver', 'SQL-Berechtigungs-ID', 'Aliasname der lokalen Datenbank'))
    values = ('DB2/LINUXX8664 ' + version, answer['user'], answer['alias'])
    title = words('Database Connection Information', 'Datenbankverbindungsinformationen')
    width = max(23, *(len(own) + 1 for own in labels))
    return '%s   %s\n\n%s%s' % (blank(), title, ''.join(' %s= %s\n' % (label.ljust(width), value) for label, value in zip(labels, values)), blank())


def backup(stamp):
    text = words('Backup successful. The timestamp for this backup image is : %s', 'Die Sicherung war erfolgreich. Zeitmarke für dieses Sicherungsimage: %s')
    return blank() + text % stamp + '\n' + blank()


def rollforward(alias, told):
    labels = words(
        ('Input database alias', 'Number of members have returned status', 'Member ID', 'Rollforward status', 'Next log file to be read', 'Log files processed', 'Last committed transaction'),
        ('Aliasname der Eingabedatenbank', 'Anzahl Member mit zurückgegebenem Status', 'Member-ID', 'Status der aktualisierenden Recovery', 'Nächste zu lesende Protokolldatei', 'Verarbeitete Protokolldateien', 'Letzte festgeschriebene Transaktion'),
    )
    status = ('DB  ' + words('working', 'in Bearbeitung')) if told['pending'] else words('not pending', 'nicht anstehend')
    read = told['read']
    values = (alias.lower(), '1', '0', status, told['next'], '%s - %s' % (read[0], read[-1]) if read else ' -', told['last'])
    width = max(39, *(len(own) + 1 for own in labels))
    text = blank() + ' ' * 33 + words('Rollforward Status', 'Status der aktualisierenden Recovery') + '\n' + '\n'
    for number, (label, value) in enumerate(zip(labels, values)):
        text += ' %s=%s\n' % (label.ljust(width), ' ' + value if value else '') + ('\n' if number == 1 else '')
    return text + '\n'


def cells(columns, found):
    for i, _ in enumerate(columns):
        values = [own[i] for own in found]
        number = bool(found) and all(isinstance(own, (int, float)) or own is None for own in values)
        yield 11 if number and all(abs(own or 0) < 10**10 for own in values) else max([len(str(own)) for own in values if own is not None] + [1]), number


def rows(columns, found, plain):
    widths = [(max(width, 0 if plain else len(columns[i])), number) for i, (width, number) in enumerate(cells(columns, found))]

    def cell(value, width, number):
        text = '-' if value is None else str(value)
        return text.rjust(width) if number else text.ljust(width)

    lines = [' '.join(cell(value, *widths[i]) for i, value in enumerate(own)) for own in found]
    if plain:
        return ''.join(line + '\n' for line in lines)
    # What has no name of its own has its number.
    heads = [column if re.fullmatch(r'[A-Z@#$_][A-Z0-9@#$_]*', column) else str(i + 1) for i, column in enumerate(columns)]
    head = ' '.join(own.ljust(widths[i][0]) for i, own in enumerate(heads))
    rule = ' '.join('-' * width for width, _ in widths)
    selected = words('  %d record(s) selected.', '  %d Satz/Sätze ausgewählt.') % len(found)
    return blank() + '\n'.join([head, rule] + lines) + '\n\n' + selected + '\n\n'
