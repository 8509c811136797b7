"""db2ckbkp: verifies every buffer of images; -h prints the media header."""
import image

HEADER = (
    ('Server Database Name', 'name'), ('Server Database Alias', 'alias'), ('Client Database Alias', 'alias'), ('Timestamp', 'timestamp'),
    ('Database Partition Number', None, '0'), ('Instance', 'instance'), ('Database Configuration Type', None, '0 (Non-shared data)'),
    ('Sequence Number', None, '1'), ('Database Member ID', None, '0'), ('Release ID', 'level'), ('Backup Mode', 'mode'), ('Includes Logs', 'included'),
    ('Compression', 'compression'), ('Backup Type', None, '0 (Database-level)'), ('Backup Granularity', None, '0 (Non-incremental)'),
    ('DB Codeset', 'codeset'), ('DB Territory', 'territory'), ('LogPath', 'logpath'), ('Platform', None, '0x1E (Linux-x86-64)'), ('Encrypt Info Flags', None, '0x0'),
)


def describe(header):
    values = {
        **header,
        'level': '0x1500 (DB2 v%s)' % header['release'],
        'mode': '1 (Online)' if header['online'] else '0 (Offline)',
        'included': '1 (Yes)' if header['logs'] else '0 (No)',
        'compression': '1 (Compressed)' if header['compress'] else '0 (No compression)',
        'codeset': header['attributes'].get('CODESET', ''),
        'territory': header['attributes'].get('TERRITORY', ''),
    }
    print('\n\n=====================\nMEDIA HEADER REACHED:\n=====================')
    for label, key, *fixed in HEADER:
        print('    %-30s -- %s' % (label, fixed[0] if fixed else values[key]))
    print('\n The proper image file name would be:\n%s.0.%s.DBPART000.%s.001\n' % (header['alias'], header['instance'], header['timestamp']))


def main(words):
    long, code = '-h' in words, 0
    files = [word for word in words if not word.startswith('-')]
    if not files:
        print('Usage: db2ckbkp [-h] filename')
        return 16
    for number, path in enumerate(files, 1):
        try:
            header, _, count = image.load(path)
        except OSError as error:
            print('\nERROR! Unable to open the file %s (%s)!' % (path, error.strerror))
            code |= 16
            continue
        except image.Corrupt as error:
            print('[%d] Buffers processed:  ####\n\nERROR! %s: the image is corrupt!\n\nImage Verification Complete - ERRORS DETECTED: 1' % (number, error))
            code |= 8
            continue
        if long:
            describe(header)
        print('[%d] Buffers processed:    %s\nImage Verification Complete - successful.' % (number, '#' * max(1, min(count, 70))))
    return code
