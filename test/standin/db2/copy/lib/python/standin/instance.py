"""Files of an instance: the system database directory, the configurations, what a database has where."""
import fcntl
import os
from contextlib import contextmanager

NAME = os.environ.get('DB2INSTANCE', '')
HOME = os.environ.get('INSTHOME', '')
SQLLIB = os.path.join(HOME, 'sqllib')
DB2DIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
SOCKET = '\0standin-db2sysc-%s-%d' % (NAME, os.getuid())
LEVELS = {'9.7': 'd.00', '10.1': 'f.00', '10.5': '10.00', '11.1': '14.00', '11.5': '15.00', '12.1': '16.00'}


EXISTS = 'SQL1005N  The database alias "%s" already exists in either the local database directory or system database directory.'


class Failure(Exception):
    """A message of Db2; its code's last letter decides the exit code."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


def release():
    with open(os.path.join(DB2DIR, 'cfg/release')) as file:
        return file.read().strip()


def read(path):
    """KEY=value lines."""
    with open(path) as file:
        return dict(line.rstrip('\n').split('=', 1) for line in file if '=' in line)


def write(path, values):
    """Whole or not at all, and on the disk."""
    put(path, ''.join('%s=%s\n' % item for item in values.items()))


def put(path, text):
    with open(path + '.new', 'w') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + '.new', path)
    sync(os.path.dirname(path))


def sync(directory):
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def locked():
    """One change of the directories at a time."""
    with open(os.path.join(SQLLIB, 'ctrl/.lock'), 'w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# ---- the system database directory: ALIAS NAME PATH TYPE NODE COMMENT RELEASE

DIRECTORY = os.path.join(SQLLIB, 'sqldbdir/sqldbdir')
FIELDS = ('alias', 'name', 'path', 'type', 'node', 'comment', 'release')


def directory():
    """None where there never was a database, or the disk is not there."""
    try:
        with open(DIRECTORY) as file:
            return [dict(zip(FIELDS, line.rstrip('\n').split('\t'))) for line in file]
    except FileNotFoundError:
        return None


def catalog(entry):
    with locked():
        entries = directory() or []
        if any(own['alias'] == entry['alias'] for own in entries):
            raise Failure(EXISTS % entry['alias'])
        os.makedirs(os.path.dirname(DIRECTORY), exist_ok=True)
        put(DIRECTORY, ''.join('\t'.join(own[key] for key in FIELDS) + '\n' for own in entries + [entry]))


def uncatalog(alias):
    with locked():
        put(
            DIRECTORY,
            ''.join('\t'.join(own[key] for key in FIELDS) + '\n' for own in directory() or [] if own['alias'] != alias),
        )


def find(alias):
    alias = alias.upper()
    for entry in directory() or []:
        if entry['alias'] == alias:
            return entry
    raise Failure('SQL1013N  The database alias name or database name "%s" could not be found.  SQLSTATE=42705' % alias)


def local(alias):
    entry = find(alias)
    if entry['type'] != 'Indirect':
        raise Failure('SQL1013N  The database alias name or database name "%s" could not be found.  SQLSTATE=42705' % alias)
    return Files(entry['path'], entry['name'])


# ---- one database on the disk


class Files:
    """`path` is the local database directory; what is below it belongs to instance and partition."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.node = os.path.join(path, NAME, 'NODE0000')
        self.map = os.path.join(self.node, 'sqldbdir/sqldbdir')
        self.number = read(self.map).get(name, '') if os.path.exists(self.map) else ''
        self.control = os.path.join(self.node, self.number or 'SQL00000')
        self.conf = os.path.join(self.control, 'SQLDBCONF')

    @property
    def storage(self):
        return self.cfg()['STORAGE']

    @property
    def data(self):
        return os.path.join(self.storage, NAME, 'NODE0000', self.name, 'T0000000/C0000000.CAT')

    def cfg(self):
        try:
            return read(self.conf)
        except FileNotFoundError:
            raise Failure('SQL1031N  The database directory cannot be found on the indicated file system.')

    def update(self, **values):
        # Logs are switched while somebody changes a parameter.
        with locked():
            write(self.conf, {**self.cfg(), **values})

    def make(self, storage, values):
        """Directories and configuration of a new database."""
        os.makedirs(os.path.dirname(self.map), exist_ok=True)
        known = read(self.map) if os.path.exists(self.map) else {}
        taken = set(known.values())
        self.number = next('SQL%05d' % n for n in range(1, 256) if 'SQL%05d' % n not in taken)
        self.control = os.path.join(self.node, self.number)
        self.conf = os.path.join(self.control, 'SQLDBCONF')
        logs = os.path.join(self.control, 'LOGSTREAM0000/')
        for name in (logs, os.path.join(self.control, 'MEMBER0000')):
            os.makedirs(name, exist_ok=True)
        write(self.conf, {'STORAGE': storage, 'LOGPATH': logs, **values})
        os.makedirs(os.path.dirname(self.data), exist_ok=True)
        write(self.map, {**known, self.name: self.number})

    def remove(self):
        import shutil

        data = os.path.dirname(os.path.dirname(self.data))
        write(self.map, {key: value for key, value in read(self.map).items() if key != self.name})
        shutil.rmtree(self.control)
        shutil.rmtree(data)

    @property
    def history(self):
        return os.path.join(self.control, 'db2rhist.asc')
