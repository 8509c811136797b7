"""db2relocatedb -f CONFIG: a database whose files were moved is told so."""
from instance import Files, catalog, directory, uncatalog


def main(words):
    if len(words) != 2 or words[0] != '-f':
        print('DBT1002N  The configuration file is missing.')
        return 1
    config = {}
    with open(words[1]) as file:
        for line in file:
            key, _, value = line.strip().partition('=')
            config.setdefault(key, []).append([own.strip() for own in value.split(',')])
    old, new = (config['DB_NAME'][0] * 2)[:2]
    if old != new:
        print('DBT1021N  The stand-in does not rename databases.')
        return 1
    before, after = (config['DB_PATH'][0] * 2)[:2]
    files = Files(after, old)
    if not files.number:
        print('DBT1006N  The database directory "%s" could not be found.' % files.control)
        return 1
    cfg = files.cfg()
    changes = {}
    for first, second in config.get('STORAGE_PATH', []):
        if cfg['STORAGE'].rstrip('/') == first.rstrip('/'):
            changes['STORAGE'] = second
    for first, second in config.get('LOG_DIR', []) + [[before, after]]:
        if cfg['LOGPATH'].startswith(first):
            changes['LOGPATH'] = second + cfg['LOGPATH'][len(first) :]
    if before != after and cfg['STORAGE'].rstrip('/') == before.rstrip('/') and 'STORAGE' not in changes:
        changes['STORAGE'] = after
    files.update(**changes)
    print('Files and control structures were changed successfully.')
    entry = next((own for own in directory() or [] if own['name'] == old and own['type'] == 'Indirect'), None)
    if before != after and entry:
        uncatalog(entry['alias'])
        catalog({**entry, 'path': after})
        print('Database was catalogued successfully.')
    print('DBT1000I  The tool completed successfully.')
    return 0
