import { ask, type Finding, finding, type Probe, type Step, sh, type Task } from 'ha-provision'
import type { Builder, Db2 } from './layout.js'

interface Wanted {
  readonly name: string
  readonly uid: number
  readonly group: string
  readonly gid: number
  /** Made with the account, on the local disk; an instance's home is made on the replicated one. */
  readonly localHome: boolean
  readonly home: string
}

/** Owners and fenced users, each once; instances may share a fenced user. */
export const accounts = ({ instances }: Db2): readonly Wanted[] => [
  ...new Map<string, Wanted>(
    Object.entries(instances).flatMap(([name, { uid, group, gid, home, fenced }]) => [
      [name, { name, uid, group, gid, home, localHome: false }] as const,
      [fenced.name, { ...fenced, home: `/home/${fenced.name}`, localHome: true }] as const,
    ]),
  ).values(),
]

const database = (
  kind: 'passwd' | 'group',
  names: readonly string[],
): Probe<Readonly<Record<string, readonly string[]>>> =>
  ask(sh`getent ${kind} ${names}; [ $? -le 2 ]`, ({ code, stdout }) => {
    if (code !== 0) throw new Error(`getent ${kind} failed`)
    return Object.fromEntries(
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.split(':')[0] ?? '', line.split(':')]),
    )
  })

type Id = 'no-group' | 'other-group' | 'no-user' | 'other-user'

export const usersTask = (t: Builder): Task =>
  t.perNode({
    id: 'users',
    title: 'users and groups',
    probes: ({ settings }) => ({
      users: database(
        'passwd',
        accounts(settings).map(({ name }) => name),
      ),
      groups: database('group', [...new Set(accounts(settings).map(({ group }) => group))]),
    }),
    check({ settings, facts: { users, groups } }): readonly Finding<Id>[] {
      const found: Finding<Id>[] = []
      const wantedGroups = new Map(accounts(settings).map(({ group, gid }) => [group, gid]))
      for (const [group, gid] of wantedGroups) {
        const own = groups[group]
        if (!own) found.push(finding('no-group', { subject: group, desired: gid, actual: undefined }))
        else if (Number(own[2]) !== gid)
          found.push(finding('other-group', { subject: group, desired: gid, actual: Number(own[2]) }))
      }
      for (const { name, uid, gid, home, localHome } of accounts(settings)) {
        const own = users[name]
        // Where a fenced user lives means nothing to the cluster.
        const shown = (u: unknown, g: unknown, h: unknown) => `uid ${u}, gid ${g}${localHome ? '' : `, home ${h}`}`
        const desired = shown(uid, gid, home)
        if (!own) found.push(finding('no-user', { subject: name, desired, actual: undefined }))
        else {
          const actual = shown(own[2], own[3], own[5])
          if (actual !== desired) found.push(finding('other-user', { subject: name, desired, actual }))
        }
      }
      return found
    },
    fix: {
      'no-group': ({ finding: { subject = '', desired } }): readonly Step[] => [
        { kind: 'run', title: `group ${subject}`, command: sh`groupadd -g ${String(desired)} ${subject}` },
      ],
      'no-user': ({ settings, finding: { subject = '' } }): readonly Step[] => {
        const own = accounts(settings).find(({ name }) => name === subject)
        if (!own) return []
        const { uid, gid, home, localHome } = own
        return [
          {
            kind: 'run',
            title: `user ${subject}`,
            command: sh`useradd -u ${uid} -g ${gid} -d ${home} ${localHome ? '-m' : '-M'} -s /bin/bash ${subject}`,
          },
        ]
      },
      'other-group': {
        manual:
          'Files may belong to the number that is there. Put it into the config, the same on both nodes, or change it yourself (groupmod, chgrp).',
      },
      'other-user': {
        manual:
          'Files may belong to the numbers that are there. Put them into the config, the same on both nodes, or change them yourself (usermod, chown).',
      },
    },
  })
