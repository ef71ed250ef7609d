import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { reportPage, type PageContent } from '../../deploy/report-page/mod.js';
import { reportOf } from '../lib/fleet-reports.js';

const EXECUTABLE = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

const HOSTILE = '<img src=x onerror="document.title=1">&"\'';
const content: PageContent = {
  report: reportOf(8, { description: HOSTILE }),
  history: Array.from({ length: 9 }, (_one, day) => reportOf(day)),
  inNeed: [{ device: 'gate-17', connected: true, state: 'failing', models: ['SileroVad 6.0.0 QUARANTINED'] }],
  deployments: [
    {
      target: 'cameras',
      revision: 2,
      deploymentId: 'd-2',
      name: 'cameras final 1a2b3c4d',
      state: 'ACTIVE',
      purpose: 'final',
      createdAtMs: Date.UTC(2026, 10, 2),
      components: { 'org.edgemanager.model.SileroVad': '6.0.0' },
      reason: '1 of 1 finished devices failed',
      succeededDevices: 8,
      failedDevices: 1,
      failures: [{ thing: 'gate-17', status: 'FAILED', reason: 'the startup step ended with 1' }],
    },
  ],
};

const title = EXECUTABLE === undefined ? ' (skipped: no Chromium on the PATH)' : '';
describe(`the report's page, in Chromium${title}`, function () {
  let folder = '';
  let browser: Browser | undefined;

  before(async function () {
    if (EXECUTABLE === undefined) return this.skip();
    folder = await mkdtemp(join(tmpdir(), 'report-page-'));
    await writeFile(join(folder, 'report.html'), reportPage(content));
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser?.close();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  /** Opens the page, in which nothing may be wrong and nothing may be loaded. */
  async function open(): Promise<{ page: Page; wrong: string[] }> {
    assert.ok(browser);
    const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } });
    const wrong: string[] = [];
    page.on('console', (message) => wrong.push(message.text()));
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('request', (request) => {
      if (!request.isNavigationRequest() && !request.url().startsWith('data:')) wrong.push(request.url());
    });
    await page.goto(pathToFileURL(join(folder, 'report.html')).href);
    return { page, wrong };
  }

  it('shows the figures of the report, loads nothing and complains of nothing', async () => {
    const { page, wrong } = await open();
    const figures: Record<string, string> = {};
    for (const tile of await page.locator('[data-figure]').all())
      figures[(await tile.getAttribute('data-figure')) ?? ''] = await tile.innerText();
    assert.deepEqual(figures, {
      registered: '1,000',
      connected: '920',
      healthy: '880',
      bad: '5',
      latency: '7.5 ms',
    });
    const size = await page.evaluate("getComputedStyle(document.querySelector('.tile b')).fontSize");
    assert.equal(size, '26px', 'the style is refused');
    assert.deepEqual(wrong, []);
  });

  it('draws each state as wide as its share of the devices', async () => {
    const { page } = await open();
    const stack = await page.locator('svg.stack').boundingBox();
    const shares: Record<string, number> = {};
    for (const rectangle of await page.locator('svg.stack rect').all()) {
      const name = (await rectangle.getAttribute('data-part')) ?? '';
      shares[name] = Math.round((1000 * ((await rectangle.boundingBox())?.width ?? 0)) / (stack?.width ?? 1));
    }
    assert.deepEqual(shares, {
      healthy: 880,
      'on probation': 25,
      drifted: 3,
      failing: 2,
      'connected, no agent': 10,
      offline: 80,
    });
  });

  it('draws the versions over time: one falls as the other rises', async () => {
    const { page } = await open();
    const heights = async (name: string): Promise<number[]> => {
      const points = await page.locator(`polyline[data-series="${name}"]`).getAttribute('points');
      return (points ?? '').split(' ').map((point) => Number(point.split(',')[1]));
    };
    const five = await heights('SileroVad 5.0.0');
    const six = await heights('SileroVad 6.0.0');
    assert.equal(five.length, content.history.length);
    // SVG counts downwards.
    assert.ok(five.every((value, index) => index === 0 || value >= (five[index - 1] ?? 0)));
    assert.ok(six.every((value, index) => index === 0 || value <= (six[index - 1] ?? 0)));
  });

  it('shows hostile text as text', async () => {
    const { page, wrong } = await open();
    assert.ok((await page.locator('header p').innerText()).includes(HOSTILE));
    assert.equal(await page.title(), 'cameras · fleet report');
    assert.equal(await page.locator('img').count(), 0);
    assert.deepEqual(wrong, []);
  });

  it('fits a phone, in the dark too', async () => {
    const { page } = await open();
    await page.setViewportSize({ width: 390, height: 800 });
    await page.emulateMedia({ colorScheme: 'dark' });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.equal(overflow, 0);
    const back = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    assert.equal(back, 'rgb(18, 23, 29)');
  });
});
