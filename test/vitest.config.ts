import { defineConfig } from "vitest/config"

/** What every project has in common; a test that needs longer says so itself. */
const common = {
  environment: "node",
  pool: "forks",
  testTimeout: 10_000,
  hookTimeout: 20_000,
  teardownTimeout: 5_000,
  allowOnly: false,
  passWithNoTests: false,
  unstubGlobals: true,
  unstubEnvs: true
} as const

/** Tests of one module that take long: real sockets, and many thousand cases. */
const slow = ["core/fuzz/**/*.test.ts", "core/testing/app.test.ts", "core/internal/registrar/model.test.ts"]

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: "unit",
          include: ["core/**/*.test.ts", "platform-node/**/*.test.ts", "platform-browser/**/*.test.ts"],
          // nothing leaks between files (the tests also pass shuffled), and to load every module anew takes most of the time
          isolate: false,
          // what takes seconds is of no use while one writes
          exclude: ["**/*.chromium.test.ts", ...slow]
        }
      },
      {
        test: {
          ...common,
          name: "interop",
          include: ["interop/**/*.test.ts", ...slow],
          globalSetup: ["interop/globalSetup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          ...common,
          name: "fleet",
          include: ["fleet/**/*.test.ts"],
          globalSetup: ["fleet/bundledChildren.ts"],
          // each file has servers of its own, and each test a prefix of its own
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      },
      {
        test: {
          ...common,
          name: "browser",
          include: ["**/*.chromium.test.ts"],
          // what is bundled for the pages is for all files
          isolate: false,
          globalSetup: ["browser/globalSetup.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      },
      {
        test: {
          ...common,
          name: "long",
          include: ["**/*.long.ts"],
          testTimeout: 3_600_000,
          hookTimeout: 120_000,
          fileParallelism: false
        }
      }
    ]
  }
})
