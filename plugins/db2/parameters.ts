/**
 * Parameters that are written back when they are not Db2's default. Of the others nobody can tell whether a person set
 * them: Db2 and its configuration advisor choose their values by the machine. Defaults: IBM's documentation of 11.5.
 */
export const databaseDefaults: Readonly<Record<string, string>> = {
  LOGARCHMETH1: 'OFF',
  LOGARCHMETH2: 'OFF',
  LOGARCHCOMPR1: 'OFF',
  LOGARCHCOMPR2: 'OFF',
  OVERFLOWLOGPATH: '',
  FAILARCHPATH: '',
  TRACKMOD: 'NO',
  LOGINDEXBUILD: 'OFF',
  BLOCKNONLOGGED: 'NO',
  BLK_LOG_DSK_FUL: 'NO',
  AUTO_DEL_REC_OBJ: 'OFF',
  AUTORESTART: 'ON',
  LOCKTIMEOUT: '-1',
}

export const managerDefaults: Readonly<Record<string, string>> = {
  FEDERATED: 'NO',
  DIAGLEVEL: '3',
  NOTIFYLEVEL: '3',
}

/** Those of a configuration that differ from their default and are not empty. */
export const changed = (
  configuration: ReadonlyMap<string, string>,
  defaults: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(defaults).flatMap(([key, value]) => {
      const actual = configuration.get(key)
      return actual === undefined || actual === value || actual === '' ? [] : [[key, actual]]
    }),
  )
