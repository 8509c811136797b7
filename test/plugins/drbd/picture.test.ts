import { describe, expect, it } from 'vitest'
import { type Picture, pictureOf } from '../../../plugins/drbd/picture.js'
import type { ResourceState } from '../../../plugins/drbd/status.js'

/** `Connected Secondary/Primary Inconsistent/UpToDate`, as one node sees itself and its peer. */
function view(text: string): ResourceState {
  const [connection = '', roles = '', disks = ''] = text.split(' ')
  const [role = '', peerRole = ''] = roles.split('/')
  const [disk = '', peerDisk = ''] = disks.split('/')
  return { connection, role, peerRole, disk, peerDisk }
}
const fresh: [boolean, boolean] = [true, true]
const used: [boolean, boolean] = [false, false]

const beginning = 'Connected Secondary/Secondary Inconsistent/Inconsistent'

describe('what both sides together say', () => {
  it.each<[what: string, a: string, b: string, isNew: [boolean, boolean], picture: Picture]>([
    ['two new sides, connected, are a beginning', beginning, beginning, fresh, 'fresh'],
    ['one side that was used before is no beginning', beginning, beginning, [true, false], 'no-good-copy'],
    ['two sides that were used before have no good copy', beginning, beginning, used, 'no-good-copy'],
    [
      'in sync',
      'Connected Secondary/Secondary UpToDate/UpToDate',
      'Connected Secondary/Secondary UpToDate/UpToDate',
      used,
      'fine',
    ],
    [
      'the other node is primary after a failover: fine',
      'Connected Secondary/Primary UpToDate/UpToDate',
      'Connected Primary/Secondary UpToDate/UpToDate',
      used,
      'fine',
    ],
    [
      'a sync under way is fine',
      'SyncSource Primary/Secondary UpToDate/Inconsistent',
      'SyncTarget Secondary/Primary Inconsistent/UpToDate',
      used,
      'fine',
    ],
    [
      'a replaced disk on the primary of the config is a sync target, not a source',
      'SyncTarget Secondary/Secondary Inconsistent/UpToDate',
      'SyncSource Secondary/Secondary UpToDate/Inconsistent',
      [true, false],
      'fine',
    ],
    [
      'a replaced disk whose peer does not answer waits for it',
      'WFConnection Secondary/Unknown Inconsistent/DUnknown',
      'WFConnection Secondary/Unknown UpToDate/DUnknown',
      [true, false],
      'not-connected',
    ],
    [
      'two new sides that do not reach each other',
      'WFConnection Secondary/Unknown Inconsistent/DUnknown',
      'WFConnection Secondary/Unknown Inconsistent/DUnknown',
      fresh,
      'not-connected',
    ],
    [
      'one alone, one looking for it, both good: split brain',
      'StandAlone Primary/Unknown UpToDate/DUnknown',
      'WFConnection Secondary/Unknown UpToDate/DUnknown',
      used,
      'split-brain',
    ],
    [
      'both alone and good: split brain',
      'StandAlone Secondary/Unknown UpToDate/DUnknown',
      'StandAlone Primary/Unknown UpToDate/DUnknown',
      used,
      'split-brain',
    ],
    [
      'alone with an outdated side',
      'StandAlone Secondary/Unknown Outdated/DUnknown',
      'WFConnection Primary/Unknown UpToDate/DUnknown',
      used,
      'no-good-copy',
    ],
    [
      'both primary, connected',
      'Connected Primary/Primary UpToDate/UpToDate',
      'Connected Primary/Primary UpToDate/UpToDate',
      used,
      'two-primaries',
    ],
    [
      'both primary, apart',
      'StandAlone Primary/Unknown UpToDate/DUnknown',
      'WFConnection Primary/Unknown UpToDate/DUnknown',
      used,
      'two-primaries',
    ],
    [
      'both outdated',
      'Connected Secondary/Secondary Outdated/Outdated',
      'Connected Secondary/Secondary Outdated/Outdated',
      used,
      'no-good-copy',
    ],
    [
      'a disk that failed, and an inconsistent one',
      'Connected Secondary/Secondary Diskless/Inconsistent',
      'Connected Secondary/Secondary Inconsistent/Diskless',
      [false, true],
      'no-good-copy',
    ],
    [
      'a primary without a disk works on its peer’s',
      'Connected Primary/Secondary Diskless/UpToDate',
      'Connected Secondary/Primary UpToDate/Diskless',
      used,
      'fine',
    ],
  ])('%s', (_, a, b, isNew, picture) => {
    expect(pictureOf(view(a), view(b), isNew)).toBe(picture)
    expect(pictureOf(view(b), view(a), [isNew[1], isNew[0]]), 'from the other side').toBe(picture)
  })

  it('of all views, only one pair is a beginning', () => {
    const connections = [
      'Connected',
      'WFConnection',
      'StandAlone',
      'SyncSource',
      'SyncTarget',
      'PausedSyncS',
      'VerifyS',
      'Timeout',
    ]
    const roles = ['Primary', 'Secondary']
    const disks = ['UpToDate', 'Inconsistent', 'Outdated', 'Consistent', 'Diskless', 'Failed', 'DUnknown']
    const views = connections.flatMap((c) =>
      roles.flatMap((r) => disks.map((d) => view(`${c} ${r}/Unknown ${d}/DUnknown`))),
    )
    const begins = [fresh, [true, false] as const, [false, true] as const, used].flatMap((isNew) =>
      views.flatMap((a) => views.filter((b) => pictureOf(a, b, isNew) === 'fresh').map((b) => [a, b, isNew])),
    )
    const untouched = view('Connected Secondary/Unknown Inconsistent/DUnknown')
    expect(begins).toEqual([[untouched, untouched, fresh]])
  })
})
