import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportReport } from '../../src/export/index.js';
import { chromiumPath, openBrowser } from '../support/browser.js';
import { HOSTILE, hostileInput, input } from '../support/reports.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const SINGLE = () =>
  exportReport([input('a.json', { full: true, throttling: true })], {
    format: 'html',
    includeMetadata: true,
  });
const DEVICES = () =>
  exportReport(
    (['cpu', 'npu', 'gpu'] as const).flatMap((device, index) => [
      input(`${device}.json`, { device, full: true, seed: index }),
      input(`${device}-4.json`, { device, batchSize: 4, seed: index + 9 }),
    ]),
    { format: 'html', normalize: true },
  );

if (chromiumPath === undefined) {
  console.warn('Skipped: no Chromium found; install it or set CHROMIUM_PATH to check the report.');
}

describe.skipIf(chromiumPath === undefined)('the report in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });

  async function open(html: string, width: number, scheme: 'light' | 'dark'): Promise<Page> {
    const page = await browser.newPage();
    await page.setBypassCSP(true);
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setContent(html, { waitUntil: 'load' });
    return page;
  }

  test.each([
    ['one result, light, desktop', SINGLE, 1180, 'light'],
    ['one result, dark, phone', SINGLE, 390, 'dark'],
    ['six results, light, phone', DEVICES, 390, 'light'],
    ['six results, dark, desktop', DEVICES, 1180, 'dark'],
  ] as const)(
    '%s: no violation of accessibility, nothing wider than the page',
    async (_, make, width, scheme) => {
      const page = await open(make(), width, scheme);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
      await page.evaluate(AXE);
      const results = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] })",
      )) as AxeResults;
      expect(
        results.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`),
      ).toEqual([]);
      await page.close();
    },
    60_000,
  );

  test('a hostile document runs no script and asks for nothing', async () => {
    for (const text of HOSTILE) {
      const page = await browser.newPage();
      const requests: string[] = [];
      const dialogs: string[] = [];
      page.on('request', (request) => requests.push(request.url()));
      page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      const html = exportReport([hostileInput(text)], { format: 'html', includeMetadata: true });
      await page.setContent(html, { waitUntil: 'load' });
      const elements = await page.evaluate(
        () => document.querySelectorAll('script, img, a[href^="javascript"]').length,
      );
      expect({ requests, dialogs, elements }).toEqual({ requests: [], dialogs: [], elements: 0 });
      await page.close();
    }
  }, 60_000);

  test('prints on paper without cutting off a table', async () => {
    const page = await open(SINGLE(), 1180, 'dark');
    await page.emulateMediaType('print');
    const colors = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(colors).toBe('rgb(255, 255, 255)');
    await page.setViewport({ width: 690, height: 1000 });
    const cut = await page.evaluate(
      () =>
        [...document.querySelectorAll('.table')].filter(
          (element) => getComputedStyle(element).overflowX !== 'visible',
        ).length,
    );
    expect(cut).toBe(0);
    const pdf = await page.pdf({ format: 'A4' });
    expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-');
    await page.close();
  }, 60_000);
});
