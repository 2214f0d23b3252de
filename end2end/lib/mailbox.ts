/** The mail that the portal has delivered, through its mailbox of the embedded mode. */

import { environment } from './environment.ts';
import { until } from './wait.ts';

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  sent_at: string;
}

/** Everything delivered to this address, newest first. */
export async function mailbox(to: string): Promise<Mail[]> {
  const answer = await fetch(`${environment().baseURL}/dev/mailbox.json?to=${encodeURIComponent(to)}`);
  if (!answer.ok) throw new Error(`The mailbox answers ${answer.status}.`);
  return (await answer.json()) as Mail[];
}

/** Waits for a mail with such a subject. */
export async function mail(to: string, subject: RegExp): Promise<Mail> {
  return until(`a mail to ${to} with ${subject}`, async () => (await mailbox(to)).find((m) => subject.test(m.subject)));
}

/** The one link of a mail, as a path of the portal. */
export function link(message: Mail): string {
  const { baseURL } = environment();
  const url = message.text.split(/\s+/).find((word) => word.startsWith(`${baseURL}/`));
  if (!url) throw new Error(`No link to ${baseURL} in: ${message.text}`);
  if (!message.html.includes(url.replaceAll('&', '&amp;'))) throw new Error('The HTML part has another link than the text.');
  return url.slice(baseURL.length);
}
