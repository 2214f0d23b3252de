/** Whatever a page complains about fails the test: errors in the console, uncaught errors, violations of the content security policy. */

import type { BrowserContext, ConsoleMessage } from '@playwright/test';

/** Chromium reports every answer of 400 and more as an error, also where the test asks for just that answer. */
const ANSWER = /^Failed to load resource: the server responded with a status of (\d+)/;

export class Guard {
  readonly complaints: string[] = [];

  watch(context: BrowserContext): void {
    context.on('console', (message) => {
      if (message.type() === 'error' && !this.expected(message)) this.complain(message.text(), message.location().url);
    });
    context.on('weberror', (error) => this.complain(String(error.error()), error.page()?.url()));
    context.on('response', (answer) => {
      if (answer.status() >= 500) this.complain(`answer ${answer.status()}`, answer.url());
    });
  }

  /** A refused form or a page that is not there is no error of the page; a missing script or picture is. */
  private expected(message: ConsoleMessage): boolean {
    const status = Number(ANSWER.exec(message.text())?.[1]);
    if (!(status >= 400 && status < 500)) return false;
    const page = message.page()?.url();
    const { pathname } = new URL(message.location().url);
    return pathname.startsWith('/_fn/') || message.location().url === page || !/\.[a-z0-9]+$/i.test(pathname);
  }

  private complain(text: string, url: string | undefined): void {
    this.complaints.push(url ? `${text} (${url})` : text);
  }
}
