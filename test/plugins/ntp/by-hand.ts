import { both, centos, debian, type Machines, machine } from './machines.js'

/** Machines of an administrator: what they are, and how they are read. */
export const byHand: readonly (readonly [string, Machines, unknown, readonly string[]])[] = [
  [
    'chrony of Debian as it is installed',
    both(machine('chrony', { '/etc/chrony/chrony.conf': debian })),
    { pools: ['2.debian.pool.ntp.org'] },
    [],
  ],
  [
    'chrony.conf of RHEL with servers of the house, in capitals and tabs',
    both(
      machine(
        'chrony',
        {
          '/etc/chrony.conf':
            '# house\n! nothing else\nSERVER\t10.1.1.5\tiburst minpoll 4\nserver   ntp2.example.com prefer\ndriftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\nlogdir /var/log/chrony\nallow 10.9\n',
        },
        { units: { 'chronyd.service': 'active enabled' }, manager: 'dnf' },
      ),
    ),
    { servers: ['10.1.1.5', 'ntp2.example.com'], allow: ['10.9.0.0/16'] },
    [],
  ],
  [
    'chrony with servers in conf.d and sources.d, and in an included file',
    both(
      machine('chrony', {
        '/etc/chrony/chrony.conf': `${debian.replace(/^pool/m, '#pool')}include /etc/ntp-sites/*.inc\n`,
        '/etc/chrony/conf.d/10-house.conf': 'server ntp1.house iburst\n',
        '/etc/chrony/sources.d/more.sources': 'pool pool.house maxsources 3\n',
        '/etc/ntp-sites/a.inc': '  server ntp3.house\n',
        '/etc/ntp-sites/b.inc.save': 'server old.house\n',
      }),
    ),
    { servers: ['ntp1.house', 'ntp3.house'], pools: ['pool.house'] },
    [],
  ],
  [
    'chrony whose servers come by DHCP',
    both(
      machine('chrony', {
        '/etc/chrony/chrony.conf': debian.replace(/^pool.*$/m, ''),
        '/run/chrony-dhcp/eth0.sources': 'server 10.5.5.5 iburst\n',
      }),
    ),
    { servers: ['10.5.5.5'] },
    ['inferred: they come by DHCP; no file names others'],
  ],
  [
    'chrony: one serves the other, by name, over one link',
    {
      'db-a': machine('chrony', { '/etc/chrony/chrony.conf': 'local stratum 8\nallow 10.77.0.0/24\nrtcsync\n' }),
      'db-b': machine('chrony', { '/etc/chrony/chrony.conf': 'server db-a iburst\nmakestep 10 3\n' }),
    },
    {},
    [],
  ],
  [
    'ntpd of CentOS 6, the other daemon installed and idle',
    both(
      machine(
        'ntpd',
        { '/etc/ntp.conf': centos, '/etc/chrony.conf': 'server never.asked\n' },
        {
          manager: 'dnf',
          units: { 'ntpd.service': 'active enabled', 'chronyd.service': 'inactive disabled' },
        },
      ),
    ),
    { daemon: 'ntpd', servers: ['ntp1.example.com', 'ntp2.example.com'] },
    [],
  ],
  [
    'ntpd: db-b serves its local clock to db-a, as a refclock with a fudged stratum',
    {
      'db-a': machine('ntpd', { '/etc/ntp.conf': 'driftfile /var/lib/ntp/drift\nserver 10.77.1.2\n' }),
      'db-b': machine('ntpd', {
        '/etc/ntp.conf':
          'server 127.127.1.0 # LCL\nfudge 127.127.1.0 stratum 10\nrestrict default ignore\nrestrict 127.0.0.1\nrestrict 10.77.1.1 nomodify\nrestrict 10.77.1.0 mask 255.255.255.0 nomodify notrap\n',
      }),
    },
    { daemon: 'ntpd', source: 'db-b' },
    [],
  ],
  [
    'ntpsec: an isolated pair with tos orphan, everybody may ask',
    {
      'db-a': machine('ntpsec', {
        '/etc/ntpsec/ntp.conf':
          'driftfile /var/lib/ntpsec/ntp.drift\n# no internet here\ntos orphan 6\nrestrict default kod limited nomodify nopeer\nrestrict 127.0.0.1\nrestrict 10.77.0.0 mask 255.255.255.0\n',
      }),
      'db-b': machine('ntpsec', {
        '/etc/ntpsec/ntp.conf':
          'driftfile /var/lib/ntpsec/ntp.drift\nserver  10.77.0.1   iburst prefer minpoll 4\nrestrict default kod limited nomodify nopeer\nrestrict 127.0.0.1\n',
      }),
    },
    { daemon: 'ntpsec' },
    [],
  ],
  [
    'ntpsec with a pool in ntp.conf and a server in ntp.d, of Debian for the rest',
    both(
      machine('ntpsec', {
        '/etc/ntpsec/ntp.conf':
          'driftfile /var/lib/ntpsec/ntp.drift\nleapfile /usr/share/zoneinfo/leap-seconds.list\ntos maxclock 11\ntos minclock 4 minsane 3\npool 0.debian.pool.ntp.org iburst\nrestrict default kod nomodify nopeer noquery limited\nrestrict 127.0.0.1\nrestrict ::1\n',
        '/etc/ntpsec/ntp.d/house.conf': 'server ntp1.house\n',
      }),
    ),
    { daemon: 'ntpsec', servers: ['ntp1.house'], pools: ['0.debian.pool.ntp.org'] },
    [],
  ],
  [
    'ntpd: both ask two servers and each other',
    {
      'db-a': machine('ntpd', { '/etc/ntp.conf': `${centos}peer 10.77.0.2\n` }),
      'db-b': machine('ntpd', { '/etc/ntp.conf': `peer db-a\n${centos}` }),
    },
    { daemon: 'ntpd', servers: ['ntp1.example.com', 'ntp2.example.com'] },
    [
      'other: db-a: /etc/ntp.conf: peer 10.77.0.2 – no option says it',
      'other: db-b: /etc/ntp.conf: peer db-a – no option says it',
    ],
  ],
  [
    'timesyncd with servers in its main file, and a drop-in over it',
    both(
      machine('systemd-timesyncd', {
        '/etc/systemd/timesyncd.conf': '[Time]\nNTP = old.house\n#FallbackNTP=0.debian.pool.ntp.org\n',
        '/etc/systemd/timesyncd.conf.d/house.conf': '; ours\n[Time]\nNTP=\nNTP=ntp1.house \\\n  ntp2.house\n',
      }),
    ),
    { daemon: 'systemd-timesyncd', servers: ['ntp1.house', 'ntp2.house'] },
    [],
  ],
  [
    'timesyncd as it is installed',
    both(
      machine('systemd-timesyncd', {
        '/etc/systemd/timesyncd.conf':
          '# Entries in this file show the compile time defaults.\n\n[Time]\n#NTP=\n#FallbackNTP=0.debian.pool.ntp.org 1.debian.pool.ntp.org\n',
      }),
    ),
    { daemon: 'systemd-timesyncd', servers: ['0.debian.pool.ntp.org', '1.debian.pool.ntp.org'] },
    ['inferred: the daemon falls back on them; no file names others'],
  ],
]
