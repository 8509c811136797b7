"""db2relocatedb -f CONFIG: a database whose files were moved, or that gets another name, is told so."""
import os

from instance import NAME, Failure, Files, catalog, directory, read, uncatalog, write
from engine import Engine

KEYS = ('DB_NAME', 'DB_PATH', 'INSTANCE', 'NODENUM', 'LOG_DIR', 'CONT_PATH', 'STORAGE_PATH', 'FAILARCHIVE_PATH', 'LOGARCHMETH1', 'MIRRORLOG_PATH')


class Stop(Exception):
    pass


def parsed(path):
    config = {}
    try:
        with open(path) as file:
            for line in file:
                key, mark, value = line.strip().partition('=')
                if not line.strip() or line.lstrip().startswith('#'):
                    continue
                if not mark or key not in KEYS:
                    raise Stop('DBT1003N  The configuration file contains the line "%s", which is not valid.' % line.strip())
                words = [own.strip() for own in value.split(',')]
                config.setdefault(key, []).append((words * 2)[:2])
    except OSError:
        raise Stop('DBT1002N  The configuration file "%s" could not be opened.' % path)
    for key in ('DB_NAME', 'DB_PATH', 'INSTANCE'):
        if key not in config:
            raise Stop('DBT1005N  The configuration file has no %s.' % key)
    return config


def moved(value, pairs):
    """The path behind the first pair whose old path it is or lies below."""
    for old, new in pairs:
        old, new = old.rstrip('/'), new.rstrip('/')
        if value.rstrip('/') == old or value.startswith(old + '/'):
            return new + value.rstrip('/')[len(old) :] + ('/' if value.endswith('/') else '')
    return value


def in_use(name):
    try:
        return any(own['name'] == name for own in Engine().ask('list_active')['databases'])
    except Failure:
        return False


def rename_data(files, storage, old, new):
    base = os.path.join(storage, NAME, 'NODE0000')
    if old != new and os.path.isdir(os.path.join(base, old)):
        os.rename(os.path.join(base, old), os.path.join(base, new))
    known = read(files.map)
    if old in known:
        known[new] = known.pop(old)
        write(files.map, known)


def relocate(config):
    (old, new), (before, after), (_, instance) = config['DB_NAME'][0], config['DB_PATH'][0], config['INSTANCE'][0]
    old, new, before, after = old.upper(), new.upper(), before.rstrip('/') or '/', after.rstrip('/') or '/'
    if instance != NAME:
        raise Stop('DBT1018N  The instance "%s" is not the current instance.' % instance)
    if in_use(old):
        raise Stop('DBT1016N  The database "%s" is in use.' % old)
    files = Files(after, old)
    if not files.number or not os.path.exists(files.conf):
        raise Stop('DBT1006N  The database directory of "%s" could not be found in "%s".' % (old, after))
    entry = next((own for own in directory() or [] if own['name'] == old and own['type'] == 'Indirect' and own['path'].rstrip('/') in (before, after)), None)
    if old != new and any(own['alias'] == new for own in directory() or []):
        raise Stop('DBT1019N  The database name "%s" is in use already.' % new)
    cfg = files.cfg()
    storage = moved(cfg['STORAGE'], config.get('STORAGE_PATH', []) or [[before, after]])
    logs = moved(cfg['LOGPATH'], config.get('LOG_DIR', []) + [[before, after]])
    data = os.path.join(storage, NAME, 'NODE0000', old, os.path.relpath(files.data, os.path.join(cfg['STORAGE'], NAME, 'NODE0000', old)))
    for path in (data, logs):
        if not os.path.exists(path):
            raise Stop('DBT1006N  The file or directory "%s" could not be found.' % path)
    files.update(STORAGE=storage, LOGPATH=logs, **({'LOGARCHMETH1': config['LOGARCHMETH1'][0][1]} if 'LOGARCHMETH1' in config else {}))
    rename_data(files, storage, old, new)
    print('Files and control structures were changed successfully.')
    if (old, before) != (new, after):
        if entry:
            uncatalog(entry['alias'])
        catalog({'alias': new, 'name': new, 'path': after, 'type': 'Indirect', 'node': '', 'comment': (entry or {}).get('comment', ''), 'release': ''})
        print('Database was catalogued successfully.')


def main(words):
    try:
        if len(words) != 2 or words[0] != '-f':
            raise Stop('DBT1001N  The syntax of the command is not correct: db2relocatedb -f configFilename')
        relocate(parsed(words[1]))
    except Stop as error:
        print(error)
        print('DBT1011N  The tool did not complete successfully.')
        return 1
    except Failure as failure:
        print(failure.text)
        return 1
    print('DBT1000I  The tool completed successfully.')
    return 0
