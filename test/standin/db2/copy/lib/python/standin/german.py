"""Texts of messages in German, by code; %s are the quoted words of the English text, in their order. Not IBM's words."""
import re

TEXTS = {
    'SQL0104N': 'Auf "%s" wurde ein unerwartetes Token gefunden.  SQLSTATE=42601',
    'SQL0204N': '"%s" ist ein nicht definierter Name.  SQLSTATE=42704',
    'SQL1005N': 'Der Aliasname der Datenbank "%s" ist bereits im lokalen Datenbankverzeichnis oder im Systemdatenbankverzeichnis vorhanden.',
    'SQL1013N': 'Der Aliasname der Datenbank oder der Datenbankname "%s" wurde nicht gefunden.  SQLSTATE=42705',
    'SQL1024N': 'Es ist keine Datenbankverbindung vorhanden.  SQLSTATE=08003',
    'SQL1025N': 'Der Datenbankmanager wurde nicht gestoppt, weil noch Datenbanken aktiv sind.',
    'SQL1026N': 'Der Datenbankmanager ist bereits aktiv.',
    'SQL1031N': 'Das Datenbankverzeichnis wurde auf dem angegebenen Dateisystem nicht gefunden.',
    'SQL1032N': 'Es wurde kein Befehl zum Starten des Datenbankmanagers abgesetzt.  SQLSTATE=57019',
    'SQL1035N': 'Die Operation ist fehlgeschlagen, weil im angeforderten Modus keine Verbindung zur angegebenen Datenbank hergestellt werden kann.  SQLSTATE=57019',
    'SQL1057W': 'Das Systemdatenbankverzeichnis ist leer.  SQLSTATE=01606',
    'SQL1116N': 'Eine Verbindung zur Datenbank "%s" oder ihre Aktivierung ist fehlgeschlagen, weil für sie eine Sicherung ansteht (BACKUP PENDING).  SQLSTATE=57019',
    'SQL1117N': 'Eine Verbindung zur Datenbank "%s" oder ihre Aktivierung ist wegen ROLL-FORWARD PENDING nicht möglich.  SQLSTATE=57019',
    'SQL1363W': 'Die Datenbank muss inaktiviert und erneut aktiviert werden, damit die Änderungen wirksam werden.',
    'SQL1490W': 'Die Datenbank ist aktiviert; sie war jedoch bereits auf mindestens einem Knoten aktiviert.',
    'SQL1611W': 'Der Datenbanksystemmonitor gab keine Daten zurück.',
    'SQL2036N': 'Der Pfad für die Datei, benannte Pipe oder Einheit "%s" ist ungültig.',
    'SQL2413N': 'Die Onlinesicherung ist nicht zulässig, weil die Datenbank nicht wiederherstellbar ist oder eine Sicherung ansteht.',
    'SQL2530N': 'Das Sicherungsimage "%s" ist beschädigt und kann nicht zurückgespeichert werden.',
    'SQL2539W': 'Der angegebene Name des zurückzuspeichernden Sicherungsimages ist gleich dem Namen der Zieldatenbank.  Die aktuelle Datenbank wird durch das Sicherungsimage überschrieben.',
    'SQL2540W': 'Das Zurückspeichern ist erfolgreich; es trat jedoch die Warnung "%s" auf.',
    'SQL2542N': 'Für den Aliasnamen "%s" und die Zeitmarke "%s" wurde kein Datenbankimage gefunden.',
    'DB21024I': 'Dieser Befehl wird asynchron ausgeführt und ist möglicherweise nicht sofort wirksam.',
    'DB21034E': 'Der Befehl wurde als SQL-Anweisung verarbeitet, weil er kein gültiger Befehl des Befehlszeilenprozessors war.  Während der SQL-Verarbeitung wurde Folgendes ausgegeben:',
    'DB21056W': 'Verzeichnisänderungen werden möglicherweise erst wirksam, wenn der Verzeichniscache aktualisiert wurde.',
}


def translated(text):
    code = text.split()[0]
    done = re.fullmatch(r'DB20000I  The (.+) command completed successfully\.', text)
    if done:
        return 'DB20000I  Der Befehl %s wurde erfolgreich ausgeführt.' % done.group(1)
    own = TEXTS.get(code)
    if own is None:
        return text
    words = re.findall(r'"([^"]*)"', text)
    count = own.count('%s')
    return '%s  %s' % (code, own % tuple((words + [''] * count)[:count]))
