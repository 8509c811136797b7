import { describe, expect, it } from 'vitest'
import { questions, splitAnswers, survey, surveyCommand } from '../../src/engine/survey.js'
import { ask, files, type Probe, packages, sh, units } from '../../src/index.js'
import { localTransport } from '../../src/transport/local.js'

const script = (probes: readonly Probe[]) => questions(probes).commands.map((command) => command.script)
const output = (stdout: string) => ({ code: 0, stdout, stderr: '' })

describe('questions', () => {
  it('that are the same are asked once', () => {
    const probes = [
      ask(sh`uname -n`, (o) => o.stdout),
      ask(sh`uname -r`, (o) => o.stdout),
      ask(sh`uname -n`, (o) => o.code),
    ]
    expect(script(probes)).toEqual(['uname -n', 'uname -r'])
    expect(probes.map((probe) => questions(probes).answerOf.get(probe))).toEqual([0, 1, 0])
  })
  it('that one program answers are asked together, for the union of their items', () => {
    const probes = [units('chrony.service', 'ssh.service'), packages('lvm2'), units('drbd.service', 'ssh.service')]
    const asked = script(probes)
    expect(asked).toHaveLength(2)
    expect(asked[0]).toMatch(/-- chrony.service drbd.service ssh.service$/)
  })
})

describe('answers', () => {
  const nonce = '@@n'
  const transcript = async () =>
    (
      await localTransport().exec(
        surveyCommand([sh`printf a`, sh`exit 3`, sh`echo '@@m 1'; printf 'b\n\n'`, sh`cat`], nonce),
      )
    ).stdout
  it('are told apart to the byte, with their exit codes', async () => {
    expect(splitAnswers(output(await transcript()), nonce, 4)).toEqual([
      { code: 0, stdout: 'a', stderr: '' },
      { code: 3, stdout: '', stderr: '' },
      { code: 0, stdout: '@@m 1\nb\n\n', stderr: '' },
      { code: 0, stdout: '', stderr: '' },
    ])
  })
  it('that were cut off anywhere are missing, never wrong', async () => {
    const whole = await transcript()
    const right = splitAnswers(output(whole), nonce, 4)
    for (let end = 0; end < whole.length; end++) {
      const answers = splitAnswers(output(whole.slice(0, end)), nonce, 4)
      expect(answers.every((answer, i) => answer === undefined || answer.stdout === right[i]?.stdout)).toBe(true)
      expect(answers.indexOf(undefined)).toBeGreaterThanOrEqual(0)
    }
  })
})

describe('a survey', () => {
  it('reads the facts of every stage in one exec channel', async () => {
    const transport = localTransport()
    const facts = await survey(
      transport,
      new Map([
        ['a/one', { name: ask(sh`echo node`, ({ stdout }) => stdout.trim()) }],
        [
          'a/two',
          { name: ask(sh`echo node`, ({ stdout }) => stdout.length), none: ask(sh`exit 4`, ({ code }) => code) },
        ],
        ['a/six', {}],
      ]),
    )
    expect(Object.fromEntries(facts)).toEqual({
      'a/one': { facts: { name: 'node' } },
      'a/two': { facts: { name: 5, none: 4 } },
      'a/six': { facts: {} },
    })
    expect(transport.channels).toBe(1)
  })
  it('keeps an answer that cannot be read to its own stage', async () => {
    const facts = await survey(
      localTransport(),
      new Map([
        ['a/one', { name: ask(sh`echo {`, ({ stdout }) => JSON.parse(stdout)) }],
        ['a/two', { name: ask(sh`echo {}`, ({ stdout }) => JSON.parse(stdout)) }],
      ]),
    )
    expect(facts.get('a/one')).toEqual({
      unreadable: expect.stringMatching(/^probe "name" gave an answer that cannot be read: /),
    })
    expect(facts.get('a/two')).toEqual({ facts: { name: {} } })
  })
  it('is not stopped by a probe that exits, changes its folder or closes its output', async () => {
    const facts = await survey(
      localTransport(),
      new Map([
        [
          'a/one',
          {
            a: ask(sh`cd /; exit 1`, ({ code }) => code),
            b: ask(sh`exec >&-`, ({ code }) => code),
            c: ask(sh`pwd`, (o) => o.stdout.trim()),
          },
        ],
      ]),
    )
    expect(facts.get('a/one')).toEqual({ facts: { a: 1, b: 0, c: process.cwd() } })
  })
  it('asks nothing where there is nothing to ask', async () => {
    const transport = localTransport()
    expect(await survey(transport, new Map([['a/one', {}]]))).toEqual(new Map([['a/one', { facts: {} }]]))
    expect(transport.channels).toBe(0)
  })
})

describe('common probes', () => {
  it('files: content to the byte, mode and owner; what is absent is undefined', async () => {
    const { mkdtempSync, rmSync } = await import('node:fs')
    const dir = mkdtempSync('/tmp/hap-files-')
    const transport = localTransport()
    const paths = { plain: `${dir}/it's a file`, link: `${dir}/link`, folder: `${dir}/folder`, none: `${dir}/none` }
    await transport.write(paths.plain, '@@file 0644 a:b /x\nno last line break', { mode: '0640' })
    await transport.exec(sh`ln -s ${paths.plain} ${paths.link}; mkdir ${paths.folder}`)
    const facts = await survey(transport, new Map([['a/one', { files: files(paths) }]]))
    const owner = (await transport.exec(sh`stat -c %U:%G ${dir}`)).stdout.trim()
    const plain = { mode: '0640', owner, content: '@@file 0644 a:b /x\nno last line break' }
    expect(facts.get('a/one')).toEqual({
      facts: {
        files: {
          plain: { ...plain, path: paths.plain },
          link: { ...plain, path: paths.link },
          folder: { path: paths.folder, mode: 'other', owner: '-', content: '' },
          none: undefined,
        },
      },
    })
    rmSync(dir, { recursive: true })
  })
  it('units: by id or alias; a unit that systemd does not know is not found', () => {
    const recorded = [
      'Id=ssh.service\nNames=sshd.service ssh.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled',
      'Id=drbd.service\nNames=drbd.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked',
      'Id=none.service\nNames=none.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n',
    ].join('\n\n')
    expect(units('sshd.service', 'drbd.service', 'none.service', 'unasked.service').parse(output(recorded))).toEqual({
      'sshd.service': { load: 'loaded', active: 'active', enabled: 'enabled' },
      'drbd.service': { load: 'masked', active: 'inactive', enabled: 'masked' },
      'none.service': { load: 'not-found', active: 'inactive', enabled: '' },
      'unasked.service': { load: 'not-found', active: 'inactive', enabled: '' },
    })
  })
  it('packages: only what is fully installed counts', () => {
    const recorded = 'installed lvm2 2.03.16-2\nconfig-files chrony 4.3-2\nnot-installed drbd-utils \n'
    expect(packages('lvm2', 'chrony', 'drbd-utils').parse(output(recorded))).toEqual({
      lvm2: { version: '2.03.16-2' },
      chrony: undefined,
      'drbd-utils': undefined,
    })
  })
})
