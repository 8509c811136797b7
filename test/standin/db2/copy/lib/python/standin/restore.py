"""RESTORE and ROLLFORWARD."""
import os
import re
import time

from backup import path_error
from forward import PART, forward
from history import note
from instance import HOME, SQLLIB, EXISTS, Failure, Files, catalog, directory, put, read, sync
from journal import Journal
from logs import NAME_OF, archive_of

IN_THE_WAY = 'SQL2540W  Restore is successful, however a warning "%s" was encountered during Database Restore while processing in No Interrupt mode.'


def find_image(name, source, stamp):
    if not os.path.isdir(source):
        raise path_error(source)
    pattern = re.compile(r'%s\.0\.[^.]+\.DBPART000\.(\d{14})\.001' % re.escape(name))
    found = sorted(file for file in os.listdir(source) if pattern.fullmatch(file) and (stamp is None or pattern.fullmatch(file).group(1).startswith(stamp)))
    if not found:
        raise Failure('SQL2542N  No match for a database image file was found based on the source database alias "%s" and timestamp "%s" provided.' % (name, stamp or ''))
    if len(found) > 1:
        raise Failure('SQL2522N  More than one backup file matches the time stamp value provided for the backed up database image.')
    return os.path.join(source, found[0])


def load(name, source, stamp):
    import image

    path = find_image(name, source, stamp)
    try:
        header, data, _ = image.load(path)
    except image.Corrupt as error:
        raise Failure('SQL2530N  The backup image is corrupt and may not be restored. The image is "%s" (%s).' % (path, error))
    parts, at = {}, 0
    for own, size in header['parts']:
        parts[own] = data[at : at + size]
        at += size
    return header, parts


def target_of(target, header, storage, dbpath):
    """(files, warning): those of the database that is overwritten, or new ones."""
    existing = next((own for own in directory() or [] if own['alias'] == target), None)
    if existing and existing['type'] != 'Indirect':
        raise Failure(EXISTS % target)
    if existing:
        return Files(existing['path'], existing['name']), '2539' if existing['name'] == header['name'] else '2529'
    default = read(os.path.join(SQLLIB, 'db2systm')).get('DFTDBPATH', HOME)
    place = dbpath or (storage[0] if storage else default)
    data = storage[0] if storage else header['storage']
    for own in [place, data] + storage:
        if not os.path.isdir(own) or not os.access(own, os.W_OK):
            raise Failure('SQL1052N  The database path "%s" does not exist.' % own)
    files = Files(place, target)
    if files.number:
        raise Failure(EXISTS % target)
    files.make(data, {**header['attributes'], 'RESTORE_PENDING': 'YES'})
    catalog({'alias': target, 'name': target, 'path': place, 'type': 'Indirect', 'node': '', 'comment': '', 'release': ''})
    return files, None


def restore(header, parts, files, source, logtarget, without_rollforward):
    # Until all of it is there, nobody gets in.
    files.update(RESTORE_PENDING='YES', **{key: header['attributes'][key] for key in ('CODESET', 'TERRITORY', 'PAGESIZE')})
    if logtarget:
        for name, content in parts.items():
            if name != 'data':
                put(os.path.join(logtarget, name), content.decode())
    os.makedirs(os.path.dirname(files.data), exist_ok=True)
    with open(files.data + '.new', 'wb') as file:
        file.write(parts['data'])
        file.flush()
        os.fsync(file.fileno())
    part = os.path.join(files.cfg()['LOGPATH'], PART)
    if os.path.exists(part):
        os.unlink(part)
    # A journal of what was there before would be taken for one of the new data.
    if os.path.exists(files.data + '-journal'):
        os.unlink(files.data + '-journal')
    os.rename(files.data + '.new', files.data)
    sync(os.path.dirname(files.data))
    kept = files.cfg().get('LOGARCHMETH1', 'OFF') != 'OFF'
    pending = header['online'] or kept and not without_rollforward and header['attributes'].get('LOGARCHMETH1', 'OFF') != 'OFF'
    files.update(
        RESTORE_PENDING='NO', ROLLFORWARD_PENDING='DATABASE' if pending else 'NO', BACKUP_PENDING='NO', FORWARD_LOG=str(header['log']),
        FORWARD_CHAIN=str(header['chain']), FORWARD_NEED='1' if header['online'] else '0', FORWARD_NEXT=str(header['log']), FORWARD_DONE='NO',
        FORWARD_FROM=str(header['time']) if header['online'] else '0', FORWARD_TIME=str(header['time']),
    )
    if not pending:
        begin_chain(files)
    note(files, 'R', 'N' if header['online'] else 'F', time.strftime('%Y%m%d%H%M%S'), source, NAME_OF % header['log'])


def begin_chain(files):
    """Logs that follow are others than those that followed the image."""
    Journal(files).switch()
    cfg = files.cfg()
    place = cfg['LOGPATH']
    newest = [int(own[1:8]) for own in os.listdir(place) if re.fullmatch(r'S\d{7}\.LOG', own)]
    number, chain = int(cfg.get('FORWARD_NEXT', '0')), int(cfg.get('FORWARD_CHAIN', '0'))
    archive = archive_of(files, 0)
    known = [chain, int(cfg.get('LOGCHAIN', '0'))]
    if archive and os.path.isdir(os.path.dirname(archive)):
        known += [int(own[1:]) for own in os.listdir(os.path.dirname(archive))]
    for own in newest:
        os.unlink(os.path.join(place, NAME_OF % own))
    part = os.path.join(place, PART)
    if os.path.exists(part):
        os.rename(part, os.path.join(place, NAME_OF % number))
        sync(place)
    files.update(ROLLFORWARD_PENDING='NO', LOGNUMBER=str(number), LOGCHAIN=str(max(known) + 1))


def rollforward(files, how, stop, moment, overflow):
    """How far it came: {'pending', 'next', 'read', 'last'}. `how`: logs, backup, time, none (only stop, or a query)."""
    cfg = files.cfg()
    if cfg.get('ROLLFORWARD_PENDING', 'NO') == 'NO':
        if how == 'query':
            return told(files, [])
        raise Failure('SQL1260N  Database "%s" is not configured for roll-forward recovery on node(s) "0".' % files.name)
    names = []
    until = None
    if how == 'time':
        import calendar

        try:
            until = calendar.timegm(time.strptime(moment[:19], '%Y-%m-%d-%H.%M.%S')) + float('0.' + (moment[20:] or '0'))
        except ValueError:
            raise Failure('SQL0104N  An unexpected token "%s" was found following "TO".  SQLSTATE=42601' % moment)
        if until < float(cfg.get('FORWARD_FROM', '0')):
            raise early(files)
    if how in ('logs', 'backup', 'time'):
        names = forward(files, how, until, overflow)
    elif stop and cfg.get('FORWARD_NEED') == '1' and cfg.get('FORWARD_DONE') != 'YES':
        raise early(files)
    if stop:
        begin_chain(files)
        note(files, 'F', 'E', time.strftime('%Y%m%d%H%M%S'), '', NAME_OF % int(cfg.get('FORWARD_LOG', '0')))
    return told(files, names)


def early(files):
    moment = time.strftime('%Y-%m-%d-%H.%M.%S.000000', time.gmtime(float(files.cfg().get('FORWARD_FROM', '0')) + 1))
    return Failure('SQL1276N  Database "%s" cannot be brought out of rollforward pending state until roll-forward has passed a point in time greater than or equal to "%s", because node "0" contains information later than the specified time.' % (files.name, moment))


def told(files, names):
    cfg = files.cfg()
    pending = cfg.get('ROLLFORWARD_PENDING', 'NO') != 'NO'
    moment = float(cfg.get('FORWARD_TIME', '0'))
    return {
        'pending': pending,
        'next': NAME_OF % int(cfg.get('FORWARD_NEXT', '0')) if pending else '',
        'read': names,
        'last': time.strftime('%Y-%m-%d-%H.%M.%S.000000 UTC', time.gmtime(moment)),
    }
