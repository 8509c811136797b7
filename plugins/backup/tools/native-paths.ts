export const paths = {
  program: '/usr/local/sbin/ha-db2-backup',
  config: '/etc/ha-provision/backup.conf',
  list: '/etc/ha-provision/backup.databases',
  service: '/etc/systemd/system/ha-db2-backup.service',
  timer: '/etc/systemd/system/ha-db2-backup.timer',
} as const
