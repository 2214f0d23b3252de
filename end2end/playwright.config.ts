import { defineConfig, devices } from '@playwright/test';

const desktop = { ...devices['Desktop Chrome'], viewport: { width: 1280, height: 900 } };

/** The system's Chromium, quiet: it calls nobody but the portal. */
const launchOptions = {
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  globalSetup: './global-setup.ts',
  fullyParallel: true,
  workers: 2,
  forbidOnly: Boolean(process.env['CI']),
  // A test that passes at the second attempt has found something.
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/results.json' }]],
  use: {
    launchOptions,
    locale: 'en-GB',
    timezoneId: 'Europe/Oslo',
    actionTimeout: 10_000,
    navigationTimeout: 15_000,
    screenshot: 'only-on-failure',
    // A recording costs each test a second; ask for it with --trace on.
  },
  // Every flow runs twice; what only JavaScript can do stands in `*.js.spec.ts`. What lets the sandbox's time pass, which is everybody's,
  // stands in `*.time.spec.ts` and runs after all others.
  projects: [
    { name: 'js', use: { ...desktop, javaScriptEnabled: true }, testIgnore: /\.time\.spec\.ts$/ },
    { name: 'nojs', use: { ...desktop, javaScriptEnabled: false }, testIgnore: /\.(js|time)\.spec\.ts$/ },
    { name: 'time', use: { ...desktop, javaScriptEnabled: true }, testMatch: /\.time\.spec\.ts$/, dependencies: ['js', 'nojs'] },
    // Pictures to look at, on request: E2E_SHOTS=1 npx playwright test --project=shots
    ...(process.env['E2E_SHOTS'] ? [{ name: 'shots', testDir: '.', testMatch: 'screenshots.spec.ts', timeout: 300_000 }] : []),
  ],
});
