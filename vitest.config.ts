import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const alias = { 'ha-provision': fileURLToPath(new URL('./src/index.ts', import.meta.url)) }

export default defineConfig({
  test: {
    // Vitest leaves one core idle; on the two cores of a small machine that is half of it.
    maxWorkers: '100%',
    projects: [
      {
        resolve: { alias },
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout: 20_000 },
      },
      {
        resolve: { alias },
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          bail: 1,
        },
      },
    ],
  },
})
