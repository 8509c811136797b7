"""db2ckbkp: verifies every buffer of images; -h prints the media header."""
import zlib

import image

LINES = """\
Server Database Name           -- %(name)s
Server Database Alias          -- %(alias)s
Client Database Alias          -- %(alias)s
Timestamp                      -- %(timestamp)s
Database Partition Number      -- 0
Instance                       -- %(instance)s
Database Configuration Type    -- 0 (Non-shared data)
Sequence Number                -- 1
Database Member ID             -- 0
Release ID                     -- %(level)s
AL version                     -- V:%(v)s R:%(r)s M:%(m)s F:%(f)s I:0 SB:0
Database Seed                  -- 0x%(seed)08X
DB Comment's Codepage (Volume) -- 0
DB Comment (Volume)            --
DB Comment's Codepage (System) -- 0
DB Comment (System)            --
Authentication Value           -- 255 (Not specified)
Backup Mode                    -- %(mode)s
Includes Logs                  -- %(included)s
Compression                    -- %(compression)s
Backup Type                    -- 0 (Database-level)
Backup Granularity             -- 0 (Non-incremental)
Merged Backup Image            -- 0 (No)
Status Flags                   -- %(flags)s
System Catalogs in this image  -- 1 (Yes)
Catalog Partition Number       -- 0
DB Codeset                     -- %(codeset)s
DB Territory                   -- %(territory)s
LogID                          -- %(logid)d
LogPath                        -- %(logpath)s
Backup Buffer Size             -- 65536 (16 4K pages)
Number of Sessions             -- 1
Platform                       -- 0x1E (Linux-x86-64)
Encrypt Info Flags             -- 0x0
"""
LEVELS = {'9.7': '0xD00', '10.1': '0xF00', '10.5': '0x1000', '11.1': '0x1400', '11.5': '0x1500', '12.1': '0x1600'}


def describe(header):
    v, r, m, f = header['release'].split('.')
    values = {
        **header, 'v': v, 'r': r, 'm': m, 'f': f,
        'level': '%s (DB2 v%s)' % (LEVELS.get(v + '.' + r, '0x1500'), header['release']),
        'seed': zlib.crc32(('%s %s' % (header['instance'], header['name'])).encode()),
        'mode': '1 (Online)' if header['online'] else '0 (Offline)',
        'included': '1 (Yes)' if header['logs'] else '0 (No)',
        'compression': '1 (Compressed)' if header['compress'] else '0 (No compression)',
        'flags': '0x20' if header['online'] else '0x1\n                                  Consistent on this member',
        'codeset': header['attributes'].get('CODESET', ''), 'territory': header['attributes'].get('TERRITORY', ''), 'logid': int(header['time']),
    }
    print('\n\n=====================\nMEDIA HEADER REACHED:\n=====================')
    print(''.join('    ' + line + '\n' for line in (LINES % values).split('\n')[:-1]))
    print(' The proper image file name would be:\n%s.0.%s.DBPART000.%s.001\n' % (header['alias'], header['instance'], header['timestamp']))


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
