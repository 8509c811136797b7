import { defineConfig } from 'ha-provision'
import sysctl from './sysctl.js'

export default defineConfig({
  cluster: 'user-plugin',
  nodes: { 'db-a': {}, 'db-b': {} },
  plugins: [sysctl],
  sysctl: { values: { 'vm.swappiness': '10', 'net.ipv4.tcp_keepalive_time': '600' } },
})
