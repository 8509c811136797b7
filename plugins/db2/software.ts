import { basename } from 'node:path'
import { type Finding, finding, given, type Step, sh, type Task } from 'ha-provision'
import { type At, type Builder, fromConfigDir } from './layout.js'
import { parseCopies } from './parse/software.js'
import { copiesProbe } from './probes.js'

const spool = '/var/tmp/ha-provision-db2'

/**
 * IBM's own cluster manager and resource agents are left out: they would replace the distribution's.
 * Prerequisites are reported by the installer's own program, whose warnings do not stop an installation.
 */
const install = (dir: string, licences: readonly string[]) =>
  given(
    sh`cd ${spool} && rm -rf image && mkdir image && tar -xzf installer.tar.gz -C image || exit
top=$(find image -maxdepth 2 -name db2_install -type f | head -n 1)
[ -n "$top" ] || { echo 'the tarball has no db2_install' >&2; exit 1; }
top=$(dirname "$top")
LANG=C "$top/db2prereqcheck" -i -s >prereq.log 2>&1 || { grep -E 'DBT[0-9]{4}E' prereq.log && { cat prereq.log >&2; exit 1; }; }
LANG=C "$top/db2_install" -b ${dir} -p SERVER -y -n -f NOPCMK -f NOTSAMP -l /var/log/ha-provision-db2-install.log || { tail -n 20 /var/log/ha-provision-db2-install.log >&2; exit 1; }
for l in ${licences}; do ${dir}/adm/db2licm -a "$l" || exit; done
cd / && rm -rf ${spool}`,
    { timeoutS: 3600 },
  )

function bring({ settings, cluster }: At): readonly Step[] {
  if (settings.installer === undefined) return []
  const to = `${spool}/installer.tar.gz`
  if (settings.installer.startsWith('https://'))
    return [
      {
        kind: 'run',
        title: 'download the installer',
        command: given(sh`mkdir -p ${spool} && curl -fsSL --retry 3 -o ${to} ${settings.installer}`, {
          timeoutS: 3600,
        }),
      },
    ]
  return [{ kind: 'upload', from: fromConfigDir(cluster, settings.installer), to, mode: '0600' }]
}

type Id = 'not-installed' | 'no-installer' | 'other-level'

export const softwareTask = (t: Builder): Task =>
  t.perNode({
    id: 'software',
    title: 'Db2',
    probes: ({ settings }) => ({ copies: copiesProbe(settings) }),
    check({ settings, facts }): readonly Finding<Id>[] {
      const copies = facts.copies ? parseCopies(facts.copies.stdout) : []
      const own = copies.find(({ path }) => path === settings.installDir)
      if (!own)
        return [
          finding(settings.installer === undefined ? 'no-installer' : 'not-installed', {
            subject: settings.installDir,
            desired: settings.level ?? 'a copy of Db2',
            actual: copies.map(({ path, level }) => `${level} in ${path}`).join(', ') || undefined,
          }),
        ]
      return settings.level === undefined || own.level === settings.level
        ? []
        : [finding('other-level', { subject: settings.installDir, desired: settings.level, actual: own.level })]
    },
    fix: {
      'not-installed': (at) => {
        const licences = at.settings.licenceFiles.map((file) => ({
          from: fromConfigDir(at.cluster, file),
          to: `${spool}/${basename(file)}`,
        }))
        return [
          ...bring(at),
          ...licences.map(({ from, to }): Step => ({ kind: 'upload', from, to, mode: '0600' })),
          {
            kind: 'run',
            title: `install Db2 in ${at.settings.installDir}`,
            command: install(
              at.settings.installDir,
              licences.map(({ to }) => to),
            ),
          },
        ]
      },
      'no-installer': {
        manual:
          "Db2 is not installed on this node, and the config does not say from where. Set db2.installer to IBM's tarball, and db2.acceptLicence when you have read its licence.",
      },
      'other-level': {
        manual:
          'Another level is installed. A fix pack needs the instances stopped and db2iupdt afterwards: install it on both nodes by the steps of its readme, the passive node first.',
      },
    },
  })
