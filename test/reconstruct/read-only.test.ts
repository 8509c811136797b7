// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the strings are scripts
import { describe, expect, it } from 'vitest'
import config from '../../ha.config.js'
import { builtins } from '../../plugins/index.js'
import { builder, type Command, type Probe } from '../../src/index.js'
import { filled } from '../support/law.js'
import { nodeContextOf } from '../support/task.js'
import { violations } from './readers.js'

const commandOf = (probe: Probe): Command => ('batch' in probe ? probe.batch.command(probe.items) : probe.command)
const asked = builtins.flatMap(({ name, reconstruct }) =>
  Object.entries(reconstruct?.probes ?? {}).map(([probe, one]) => [`${name}.${probe}`, commandOf(one)] as const),
)

describe('reconstruct only reads', () => {
  it('asks something', () => {
    expect(asked.length).toBeGreaterThan(0)
  })
  it.each(asked)('%s', (_, { script, stdin }) => {
    expect(violations(script)).toEqual([])
    expect(stdin).toBeUndefined()
  })
  it.each(asked)('%s would be found out if it wrote', (_, { script }) => {
    for (const more of [
      'rm -f /tmp/x',
      'echo x >/tmp/x',
      ': | tee /etc/x',
      'sed -i s/a/b/ /etc/x',
      'systemctl restart x',
    ])
      expect(violations(`${script}\n${more}`)).toHaveLength(1)
  })
})

/** Questions of `check` on the nodes, for the cluster of this repository's own config. */
function checks(): readonly (readonly [string, string])[] {
  const own = config as unknown as Readonly<Record<string, unknown>>
  const others = Object.fromEntries(builtins.map((plugin) => [plugin.name, filled(plugin, own[plugin.name])]))
  return builtins.flatMap((plugin) =>
    plugin
      .tasks(builder as never)
      .filter(({ scope }) => scope === 'node' || scope === 'cluster')
      .flatMap((task) =>
        Object.entries(task.probes(nodeContextOf({ settings: others[plugin.name], others }))).map(
          ([probe, one]) => [`${plugin.name}/${task.id} ${probe}`, commandOf(one).script] as const,
        ),
      ),
  )
}

describe('check only reads', () => {
  it.each(checks())('%s', (_, script) => {
    expect(violations(script)).toEqual([])
  })
})

describe('a script that does more than read is found out', () => {
  it.each([
    'rm x',
    '/bin/rm x',
    'cat a > b',
    'cat a >> b',
    'cat a >| b',
    'cat <>a',
    'cat a 2>log',
    'cat a >"$f"',
    'cat a &>x',
    '{ cat a; } >b',
    'for f in a; do cat $f; done >b',
    'if true; then cat a; fi >b',
    'while read -r l; do echo "$l"; done <a >b',
    'cat a | tee b',
    'cat a | sudo tee b',
    'cat a && touch b',
    'cat a & touch b',
    '! touch b',
    '( touch b )',
    'x=$(touch b)',
    'X=1 touch b',
    'echo "a $(touch b)"',
    'echo "${x:-$(touch b)}"',
    'echo ${x:-`touch b`}',
    'echo `touch b`',
    "eval 'touch b'",
    'eval "$x"',
    '$x',
    '"$x" a',
    't\\ouch b',
    "'touch' b",
    't""ouch b',
    'x() { touch b; }; x',
    'w() { "$@"; }; w touch b',
    'for c in cat touch; do $c b; done',
    'for c in $x; do $c b; done',
    'case a in a) touch b;; esac',
    'case a in a | b) cat a;; *) touch b; esac',
    'if cat a; then :; elif touch b; then :; fi',
    'until touch b; do :; done',
    'command touch b',
    'exec touch b',
    'timeout 5 touch b',
    'timeout -k 1 5s touch b',
    'env A=1 touch b',
    'nice -n 5 touch b',
    'echo b | xargs touch',
    'echo b | xargs -0 touch',
    'sh b',
    "sh -c 'touch b'",
    'sh -c "touch $x"',
    "runuser -u x -- sh -c 'touch b'",
    "trap 'touch b' 0",
    '. ./b',
    'cat <<END >b\nx\nEND',
    'cat <<END\nx\nEND\ntouch b',
    'cat <<END\n$(touch b)\nEND',
    'echo a \\\n; touch b',
    'echo # a\ntouch b',
    "echo 'a\n'; touch b",
    'sed -i s/a/b/ f',
    'sed --in-place s/a/b/ f',
    'sed -n -i.bak p f',
    'sed -ni p f',
    "sed 's/a/b/w out' f",
    "sed 's/a/b/e' f",
    "sed -n '/a/w out' f",
    "sed -e p -e 'w out' f",
    "sed '1e touch b' f",
    'sed -f script f',
    'sed "$x" f',
    'awk \'{ print > "b" }\' f',
    'awk \'{ print $1 | "sh" }\' f',
    'awk \'BEGIN { system("touch b") }\'',
    'awk \'BEGIN { "date" | getline }\'',
    'awk -i inplace 1 f',
    'awk -f script f',
    'find / -delete',
    'find / -exec touch {} \\;',
    'sort -o b a',
    'sort -uo b a',
    'uniq a b',
    'systemctl restart x',
    'systemctl -q stop x',
    'systemctl daemon-reload',
    'systemctl "$verb" x',
    'ip link set eth0 up',
    'ip addr add 10.0.0.1/8 dev eth0',
    'ip -4 route del default',
    'ip netns exec x touch b',
    'drbdadm primary r0',
    'drbdadm -- --force primary r0',
    'drbdadm up all',
    'drbdsetup down r0',
    'lvcreate -n x vg',
    'lvm lvcreate x',
    'mount /dev/sda /mnt',
    'wipefs -a /dev/sda',
    'blkid',
    'blockdev --setro /dev/sda',
    'dd if=/dev/zero of=/dev/sda',
    'swapon -a',
    'sysctl -w a=1',
    'hostname new',
    'hostname -F f',
    'swapon /dev/sda',
    'losetup /dev/loop0 f',
    'dpkg x',
    'dd if=/dev/sda of=/dev/null2',
    'sfdisk /dev/sda',
    'bash -c "exec 3<>/etc/x"',
    'ha-db2-backup run',
    'drbdadm adjust r0',
    'date -s now',
    'chronyc makestep',
    'chronyc -n burst 3/5',
    'ntpq -c ":config x"',
    'rpm -e x',
    'dpkg -i x',
    'journalctl --vacuum-size=1',
    'db2 backup db x',
    'db2 "update dbm cfg using x y"',
    'db2 connect to x; db2 "delete from t"',
    'db2 "select * from final table (insert into t values 1)"',
    'db2 -tvf x.sql',
    'db2 "list tablespaces; drop db x"',
    'db2 $x',
    'db2start',
    'db2set DB2COMM=TCPIP',
    'db2set -all X=1',
    'mktemp',
    'cat a <(touch b)',
    'echo )',
    "echo 'a",
  ])('%s', (script) => {
    expect(violations(script)).not.toEqual([])
  })
})

describe('a script that reads is let through', () => {
  it.each([
    'cat /etc/hosts 2>/dev/null >&2; true',
    'cat a 2>&1 </dev/null',
    'printf "%s\\n" "> rm -rf /"',
    'echo \'>x\' ">y" \\>z # >b',
    "sh -c 'cat \"$1\"; echo '\\''touch'\\''' x",
    'LANG=C LC_ALL=C db2 list database directory',
    'w() { "$@"; [ $? -le 2 ]; }; w db2 connect to SHOP && w db2 \'select 1 from sysibm.sysdummy1\'; db2 connect reset',
    'for l in /usr/local/bin/db2ls /opt/x/install/db2ls; do [ -x "$l" ] && { "$l" -c; exit; }; done',
    'for d in $c; do "$d/instance/db2ilist"; done',
    'p=$(getent passwd x | cut -d: -f6); until [ -e "$p" ]; do p=$(dirname "$p"); done',
    'n=$((n + 1)); echo "${x##*/}" ${y:-z} "$#" $? "$@"',
    "sed -n 's/^\\([^#:][^:]*\\):.*/\\1/p; /a\\/b/d; $!N; 2,3s|/|,|g' f",
    'awk -F: \'$3 > 5 || /a|>b/ { print $1, "a > b | c" }\' f',
    'case $a in "" | "#"*) ;; (x) cat a ;; esac',
    'cat <<"END" | grep -c x\n$(touch b) > `rm`\nEND\ntrue',
    'ip -o -4 addr show dev eth0; ip -j route; ip link',
    'systemctl show --property=Id -- a.service; systemctl is-active -q x',
    "timeout 60 runuser -u x -- sh -c '. ./sqllib/db2profile || exit 9; db2 get dbm cfg' owner",
    'find /etc -name "*.conf" -type f | sort -u | xargs -r cat',
    'hostname; hostname -f',
    'blockdev --getsize64 /dev/sda; losetup -a; swapon --show',
    'INIT_VERSION=1 drbdadm dump </dev/null',
  ])('%s', (script) => {
    expect(violations(script)).toEqual([])
  })
})
