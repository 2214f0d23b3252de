/** What every page of the portal owes to whoever reads it. */

import AxeBuilder from '@axe-core/playwright';
import { type Page } from '@playwright/test';
import { expect } from './test.ts';

/** One main heading, and a title of the form "PAGE · PRODUCT_NAME". */
export async function expectHeaded(page: Page): Promise<void> {
  await expect(page.locator('h1')).toHaveCount(1);
  await expect(page.locator('h1')).not.toBeEmpty();
  await expect(page).toHaveTitle(/^\S.* · CODITECT$/);
}

/** Nothing makes the page wider than a small phone. */
export async function expectNoSidewaysScroll(page: Page, width = 360): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width, height: 740 });
  const tooWide = () =>
    page.evaluate((width) => {
      const root = document.scrollingElement ?? document.documentElement;
      if (root.scrollWidth <= width) return [];
      const over = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 0.5);
      return [`the page is ${root.scrollWidth} px wide`, ...over.slice(-3).map((e) => e.outerHTML.slice(0, 160))];
    }, width);
  // The page's own font may still be under way.
  await expect.poll(tooWide, { message: `wider than ${width} px: ${page.url()}`, timeout: 5_000 }).toEqual([]);
  if (before) await page.setViewportSize(before);
}

/** Waits until the page is painted as it is to stay: with its own font, and nothing half faded in. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    const frame = () => new Promise((painted) => requestAnimationFrame(painted));
    // One transition can begin another, in what inherits from it, and on a slow machine late.
    for (let quiet = 0; quiet < 3; quiet++) {
      await frame();
      const running = document.getAnimations().filter((animation) => animation.playState === 'running');
      if (running.length > 0) quiet = 0;
      await Promise.allSettled(running.map((animation) => animation.finished));
    }
  });
}

/** axe, in the way that needs no second page: the portal has no frames. */
function axe(page: Page, coloursOnly: boolean): AxeBuilder {
  const builder = new AxeBuilder({ page }).setLegacyMode(true);
  return coloursOnly ? builder.withRules(['color-contrast', 'link-in-text-block']) : builder;
}

/** No violation of any rule that axe knows, in the light and in the dark. */
export async function expectAccessible(page: Page, schemes: ('light' | 'dark')[] = ['light', 'dark']): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await settle(page);
    // The dark differs in nothing but colours.
    const { violations } = await axe(page, colorScheme === 'dark').analyze();
    const found = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.target.join(' ')} ${n.failureSummary}`).join('\n')}`);
    expect(found, `${colorScheme}: ${page.url()}`).toEqual([]);
  }
}
