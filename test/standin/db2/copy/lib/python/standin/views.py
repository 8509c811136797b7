"""Views of the system catalog and of SYSIBMADM, as subselects."""
import os

import sql
from history import history_of
from instance import NAME, release


def paths(files):
    cfg = files.cfg()
    rows = [
        ('LOGPATH', cfg['LOGPATH']),
        ('DB_STORAGE_PATH', cfg['STORAGE'].rstrip('/') + '/'),
        ('LOCAL_DB_DIRECTORY', os.path.join(files.node, 'sqldbdir/')),
        ('DBPATH', files.control + '/'),
        ('DBPATH', files.control + '/MEMBER0000/'),
    ]
    return rows + [('TBSP_CONTAINER', own) for own in cfg.get('CONTAINERS', '').split(',') if own]


def history(files):
    return [
        (own['op'], own['type'], own['timestamp'], own['end'], own['location'], own['status'], '0')
        for own in history_of(files)
    ]


VIEWS = {
    'SYSIBM.SYSDUMMY1': lambda _: "(select 'Y' as IBMREQD)",
    'SYSIBM.SYSVERSIONS': lambda _: sql.relation(('VERSIONNUMBER', 'VERSION_TIMESTAMP'), [(release().replace('.', '0', 1).replace('.', ''), '2026-01-01-00.00.00.000000')]),
    'SYSCAT.TABLES': lambda _: sql.TABLES,
    'SYSIBM.SYSTABLES': lambda _: "(select TABNAME as NAME, TABSCHEMA as CREATOR, TYPE from %s)" % sql.TABLES,
    'SYSCAT.TABLESPACES': lambda _: sql.relation(('TBSPACE', 'TBSPACETYPE'), [('SYSCATSPACE', 'D'), ('TEMPSPACE1', 'S'), ('USERSPACE1', 'D')]),
    'SYSIBMADM.DBPATHS': lambda files: sql.relation(('TYPE', 'PATH'), paths(files)),
    'SYSIBMADM.CONTAINER_UTILIZATION': lambda files: sql.relation(('TBSP_NAME', 'CONTAINER_NAME'), [('SYSCATSPACE', files.data)]),
    'SYSIBMADM.DBCFG': lambda files: sql.relation(('NAME', 'VALUE'), [(key.lower(), value) for key, value in files.cfg().items()]),
    'SYSIBMADM.DB_HISTORY': lambda files: sql.relation(
        ('OPERATION', 'OPERATIONTYPE', 'START_TIME', 'END_TIME', 'LOCATION', 'ENTRY_STATUS', 'SQLCODE'), history(files)
    ),
    'SYSIBMADM.ENV_INST_INFO': lambda _: sql.relation(('INST_NAME', 'NUM_DBPARTITIONS', 'INST_PTR_SIZE', 'SERVICE_LEVEL'), [(NAME, '1', '64', 'DB2 v' + release())]),
    'SYSIBMADM.ENV_SYS_INFO': lambda _: sql.relation(('OS_NAME', 'HOST_NAME'), [('Linux', os.uname().nodename)]),
}


def view(name, files):
    own = VIEWS.get(name)
    return own(files) if own else None
