"""What the command line prints, in the shapes of the recorded outputs; variants by /var/db2/standin.conf."""
import json
import os
import re

from instance import DB2DIR, LEVELS, release

VARIANTS = {}
GERMAN = False
OVERWRITE = (
    'SQL2539W  The specified name of the backup image to restore is the same as the name of the target database.  Restoring to an existing '
    'database that is the same as the backup image database will cause the current database to be overwritten by the backup version.'
)


def prepare(env):
    global GERMAN
    VARIANTS.clear()
    try:
        with open('/var/db2/standin.conf') as file:
            for line in file:
                key, _, value = line.strip().partition('=')
                VARIANTS[key.removeprefix('STANDIN_')] = value
    except OSError:
        pass
    VARIANTS.update({key[8:]: value for key, value in env.items() if key.startswith('STANDIN_')})
    GERMAN = (env.get('LC_ALL') or env.get('LC_MESSAGES') or env.get('LANG') or 'C').startswith('de')


def blank():
    return '' if VARIANTS.get('BLANK_LINES') == 'off' else '\n'


GERMAN_TEXTS = {
    'SQL1057W': 'Das Systemdatenbankverzeichnis ist leer.  SQLSTATE=01606',
    'SQL1031N': 'Das Datenbankverzeichnis kann auf dem angegebenen Dateisystem nicht gefunden werden.',
    'SQL1032N': 'Es wurde kein Befehl zum Starten des Datenbankmanagers abgesetzt.  SQLSTATE=57019',
    'SQL1035N': 'Zur angegebenen Datenbank kann im angeforderten Modus keine Verbindung hergestellt werden.  SQLSTATE=57019',
    'DB20000I': 'Der Befehl wurde erfolgreich ausgeführt.',
}


def message(text, end='\n'):
    code = text.split()[0]
    if GERMAN and code in GERMAN_TEXTS:
        text = '%s  %s' % (code, GERMAN_TEXTS[code])
    if VARIANTS.get('WRAP') == 'off':
        return text + end
    lines, line = [], ''
    for gap, word in re.findall(r'( *)(\S+)', text):
        if line and len(line + gap + word) > 78:
            lines.append(line + ' ')
            line = word
        else:
            line += gap + word
    return '\n'.join(lines + [line]) + end


def connection(answer):
    version = answer['release'] if 'release' in answer else answer['server']
    return '%s   Database Connection Information\n\n Database server        = DB2/LINUXX8664 %s\n SQL authorization ID   = %s\n Local database alias   = %s\n\n' % (
        blank(), version, answer['user'], answer['alias'],
    )


def backup(stamp):
    text = 'Sicherung erfolgreich. Die Zeitmarke für dieses Sicherungsimage ist : %s' if GERMAN else 'Backup successful. The timestamp for this backup image is : %s'
    return blank() + text % stamp + '\n' + blank()


LABELS = (
    'Database alias', 'Database name', 'Local database directory', 'Database release level', 'Comment', 'Directory entry type',
    'Catalog database partition number', 'Alternate server hostname', 'Alternate server port number',
)
LABELS_DE = (
    'Aliasname der Datenbank', 'Datenbankname', 'Lokales Datenbankverzeichnis', 'Datenbankreleasestufe', 'Kommentar', 'Verzeichniseintragstyp',
    'Katalogdatenbankpartitionsnummer', 'Hostname des Alternativservers', 'Portnummer des Alternativservers',
)


def directory(entries):
    labels = LABELS_DE if GERMAN else LABELS
    text = blank() + (' Systemdatenbankverzeichnis\n\n Anzahl der Einträge im Verzeichnis = %d\n\n' if GERMAN else ' System Database Directory\n\n Number of entries in the directory = %d\n\n') % len(entries)
    level = LEVELS.get('.'.join(release().split('.')[:2]), '15.00')
    for number, own in enumerate(entries, 1):
        remote = own['type'] == 'Remote'
        kind = {'Indirect': 'Indirekt', 'Remote': 'Fern'}[own['type']] if GERMAN else own['type']
        values = [own['alias'], own['name'], own['node'] if remote else own['path'], level, own['comment'], kind, '-1' if remote else '0', '', '']
        names = list(labels)
        if remote:
            names[2] = 'Knotenname' if GERMAN else 'Node name'
        text += ('Datenbankeintrag %d:\n\n' if GERMAN else 'Database %d entry:\n\n') % number
        text += ''.join(' %-37s=%s\n' % (name, ' ' + value if value else '') for name, value in zip(names, values)) + '\n'
    return text


def active(found):
    text = blank() + '                           Active Databases\n\n'
    for own in found:
        for label, value in (('Database name', own['name']), ('Applications connected currently', own['connections']), ('Database path', own['path'])):
            text += '%-43s= %s\n' % (label, value)
        text += '\n'
    return text


def applications(found):
    text = blank() + 'Auth Id  Application    Appl.      Application Id                                                 DB       # of\n'
    text += '         Name           Handle                                                                    Name    Agents\n'
    text += '-------- -------------- ---------- -------------------------------------------------------------- -------- -----\n'
    for own in found:
        text += '%-8s %-14s %-10d %-62s %-8s %-5d\n' % (own['user'][:8], own['client'][:14], own['handle'], own['id'], own['name'], 1)
    return text + '\n'


def history(alias, files):
    records = []
    if os.path.exists(files.history):
        with open(files.history) as file:
            records = [json.loads(line) for line in file]
    records = [own for own in records if own['op'] in 'BR']
    text = blank() + '                    List History File for %s\n\nNumber of matching file entries = %d\n\n\n' % (alias.lower(), len(records))
    rule = ' ' + '-' * 76 + '\n'
    for number, own in enumerate(records, 1):
        text += ' Op Obj Timestamp+Sequence Type Dev Earliest Log Current Log  Backup ID\n -- --- ------------------ ---- --- ------------ ------------ --------------\n'
        text += '  %s  D  %s001   %s    D  S0000000.LOG S0000000.LOG  \n' % (own['op'], own['timestamp'], own['type']) + rule
        text += '  Contains 2 tablespace(s):\n\n 00001 SYSCATSPACE\n 00002 USERSPACE1\n' + rule
        word = 'ONLINE' if own['type'] == 'N' else 'OFFLINE'
        text += '    Comment: DB2 %s %s %s\n Start Time: %s\n   End Time: %s\n     Status: %s\n' % (
            'BACKUP' if own['op'] == 'B' else 'RESTORE', alias, word, own['timestamp'], own['timestamp'], own['status'],
        )
        text += rule + '  EID: %d Location: %s\n\n\n' % (number, own['location'])
    return text


def rollforward(alias):
    return (
        blank() + '                                 Rollforward Status\n\n Input database alias                   = %s\n'
        ' Number of members have returned status = 1\n\n Member ID                              = 0\n Rollforward status                     = not pending\n'
        ' Next log file to be read               =\n Log files processed                    = S0000000.LOG - S0000000.LOG\n'
        ' Last committed transaction             = 2026-01-01-00.00.00.000000 UTC\n\n' % alias.lower()
    )


def dbm(values):
    rows = (
        ('Default database path', 'DFTDBPATH'), ('SYSADM group name', 'SYSADM_GROUP'), ('SYSCTRL group name', 'SYSCTRL_GROUP'),
        ('Database manager authentication', 'AUTHENTICATION'), ('TCP/IP Service name', 'SVCENAME'), ('Max number of concurrently active databases', 'NUMDB'),
        ('Diagnostic error capture level', 'DIAGLEVEL'), ('Diagnostic data directory path', 'DIAGPATH'),
        ('Alternate diagnostic data directory path', 'ALT_DIAGPATH'), ('SPM log path', 'SPM_LOG_PATH'), ('Keystore type', 'KEYSTORE_TYPE'),
        ('Keystore location', 'KEYSTORE_LOCATION'), ('SSL server keydb file', 'SSL_SVR_KEYDB'), ('SSL server stash file', 'SSL_SVR_STASH'),
    )
    values = {'NUMDB': '32', 'DIAGLEVEL': '3', 'KEYSTORE_TYPE': 'NONE', **values}
    text = blank() + '          Database Manager Configuration\n\n     Node type = %s\n\n' % values.get('NODETYPE', '')
    text += ' Database manager configuration release level            = 0x1500\n\n'
    known = {key for _, key in rows} | {'NODETYPE'}
    for label, key in rows + tuple(('Parameter', key) for key in values if key not in known):
        name = '(%s)' % key
        text += ' %s%s%s = %s\n' % (label, ' ' * max(1, 55 - len(label) - len(name)), name, values.get(key, ''))
    return text + '\n'


def db(alias, cfg):
    """The recorded configuration with this database's values."""
    with open(os.path.join(DB2DIR, 'cfg/dbcfg.txt')) as file:
        text = file.read()
    labels = {
        'Database territory': cfg.get('TERRITORY', 'US'),
        'Database code set': cfg.get('CODESET', 'UTF-8'),
        'Database page size': cfg.get('PAGESIZE', '4096'),
        'Backup pending': cfg.get('BACKUP_PENDING', 'NO'),
        'Rollforward pending': cfg.get('ROLLFORWARD_PENDING', 'NO'),
        'Path to log files': cfg.get('LOGPATH', ''),
        'First active log file': '',
    }
    fixed = {'LOGARCHMETH1': 'OFF'}
    lines = []
    for line in text.replace('for Database SAMPLE', 'for Database %s' % alias).split('\n'):
        found = re.match(r'^( +)(.*?)(?:\s*\(([A-Z][A-Z0-9_]+)\))?(\s*)= ?(.*)$', line)
        if found:
            key, label = found.group(3), found.group(2)
            if key and (key in cfg or key in fixed):
                line = line[: line.index('=', line.index('(%s)' % key))] + '= ' + cfg.get(key, fixed.get(key, ''))
            elif not key and label in labels:
                line = line[: line.index('=')] + '= ' + labels[label]
        lines.append(line)
    return '\n'.join(lines)


def rows(columns, found, plain):
    widths = []
    for i, column in enumerate(columns):
        values = [own[i] for own in found]
        number = all(isinstance(own, (int, float)) or own is None for own in values)
        width = 11 if number and found else max([len(str(own)) for own in values if own is not None] + [1])
        widths.append((max(width, 0 if plain else len(column)), number))

    def cell(value, width, number):
        text = '-' if value is None else str(value)
        return text.rjust(width) if number else text.ljust(width)

    lines = [' '.join(cell(value, *widths[i]) for i, value in enumerate(own)) for own in found]
    if plain:
        return ''.join(line + '\n' for line in lines)
    head = ' '.join((column if not column.startswith(('COUNT', 'SUM', "'")) else str(i + 1)).ljust(widths[i][0]) for i, column in enumerate(columns))
    rule = ' '.join('-' * width for width, _ in widths)
    return blank() + '\n'.join([head, rule] + lines) + '\n\n  %d record(s) selected.\n\n' % len(found)
