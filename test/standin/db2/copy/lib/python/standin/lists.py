"""LIST commands of the command line."""
from instance import LEVELS, release
from show import blank, words

LABELS = (
    'Database alias', 'Database name', 'Local database directory', 'Database release level', 'Comment', 'Directory entry type',
    'Catalog database partition number', 'Alternate server hostname', 'Alternate server port number',
)
LABELS_DE = (
    'Aliasname der Datenbank', 'Datenbankname', 'Lokales Datenbankverzeichnis', 'Datenbankreleasestufe', 'Kommentar', 'Verzeichniseintragstyp',
    'Katalogdatenbankpartitionsnummer', 'Hostname des Alternativservers', 'Portnummer des Alternativservers',
)
TYPES_DE = {'Indirect': 'Indirekt', 'Remote': 'Fern'}


def lines(names, values):
    return ''.join(' %-37s=%s\n' % (name, ' ' + value if value else '') for name, value in zip(names, values))


def directory(entries):
    head = words(' System Database Directory\n\n Number of entries in the directory = %d\n\n', ' Systemdatenbankverzeichnis\n\n Anzahl der Einträge im Verzeichnis = %d\n\n')
    text = blank() + head % len(entries)
    level = LEVELS.get('.'.join(release().split('.')[:2]), '15.00')
    for number, own in enumerate(entries, 1):
        remote = own['type'] == 'Remote'
        values = [own['alias'], own['name'], own['node'] if remote else own['path'], level, own['comment'], words(own['type'], TYPES_DE[own['type']]), '-1' if remote else '0', '', '']
        names = list(words(LABELS, LABELS_DE))
        if remote:
            names[2] = words('Node name', 'Knotenname')
        text += words('Database %d entry:\n\n', 'Datenbankeintrag %d:\n\n') % number + lines(names, values) + '\n'
    return text


def nodes(entries):
    text = blank() + ' Node Directory\n\n Number of entries in the directory = %d\n\n' % len(entries)
    for number, own in enumerate(entries, 1):
        text += 'Node %d entry:\n\n' % number
        text += lines(('Node name', 'Comment', 'Directory entry type', 'Protocol', 'Hostname', 'Service name'), (own['node'], '', 'LOCAL', 'TCPIP', own['host'], own['service'])) + '\n'
    return text


def active(found):
    text = blank() + ' ' * 27 + words('Active Databases', 'Aktive Datenbanken') + '\n\n'
    labels = words(('Database name', 'Applications connected currently', 'Database path'), ('Datenbankname', 'Momentan verbundene Anwendungen', 'Datenbankpfad'))
    for own in found:
        text += ''.join('%-43s= %s\n' % pair for pair in zip(labels, (own['name'], own['connections'], own['path']))) + '\n'
    return text


def applications(found):
    text = blank() + 'Auth Id  Application    Appl.      Application Id                                                 DB       # of \n'
    text += '         Name           Handle                                                                    Name    Agents\n'
    text += '-------- -------------- ---------- -------------------------------------------------------------- -------- -----\n'
    for own in found:
        text += '%-8s %-14s %-10d %-62s %-8s %-5d\n' % (own['user'][:8], own['client'][:14], own['handle'], own['id'], own['name'], 1)
    return text + '\n'


def history(alias, records):
    head = words('List History File for %s', 'Protokolldatei für %s auflisten') % alias.lower()
    count = words('Number of matching file entries = %d', 'Anzahl übereinstimmender Dateieinträge = %d') % len(records)
    text = blank() + ' ' * 20 + head + '\n\n' + count + '\n\n'
    rule = ' ' + '-' * 76 + '\n'
    titles = words(('   Comment: ', 'Start Time: ', '  End Time: ', '    Status: '), (' Kommentar: ', 'Startzeit: ', 'Endzeit: ', '    Status: '))
    for number, own in enumerate(records, 1):
        kind = {'N': 'ONLINE', 'F': 'OFFLINE'}.get(own['type'], '')
        verb = {'B': 'DB2 BACKUP %s %s', 'R': 'RESTORE %s %s WITH RF', 'F': 'ROLLFORWARD %s %s'}[own['op']] % (alias.upper(), kind)
        text += '\n Op Obj Timestamp+Sequence Type Dev Earliest Log Current Log  Backup ID\n -- --- ------------------ ---- --- ------------ ------------ --------------\n'
        text += '  %s  D  %s001   %s    D  %s %s  %s\n' % (own['op'], own['timestamp'], own['type'], own['log'], own['log'], own['timestamp'] if own['op'] == 'R' else '') + rule
        text += words('  Contains 2 tablespace(s):\n\n', '  Enthält 2 Tabellenbereich(e):\n\n') + ' 00001 SYSCATSPACE\n 00002 USERSPACE1\n' + rule
        text += ''.join(' %s%s\n' % pair for pair in zip(titles, (verb, own['timestamp'], own['end'], own['status'])))
        text += rule + words('  EID: %d Location: %s\n\n', '  EID: %d Position: %s\n\n') % (number, own['location'])
    return text
