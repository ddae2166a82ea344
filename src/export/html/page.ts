import { html, type Markup, raw } from './markup.js';
import { STYLE } from './style.js';

export interface PageParts {
  /** Plain text of the browser's tab. */
  readonly title: string;
  /** The small line above the heading. */
  readonly overline: string;
  readonly heading: Markup | string;
  /** Below the heading: a sentence, banners. */
  readonly intro?: Markup | readonly Markup[];
  readonly body: Markup | readonly Markup[];
  readonly footer: string;
}

/**
 * A whole self-contained page in the style of the reports: no script, nothing loaded from
 * elsewhere. A content policy in its head forbids both, should a text ever get through unescaped.
 */
export function htmlPage(parts: PageParts): string {
  return `${
    html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="npu-bench">
<title>${parts.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header class="page">
<p class="overline">${parts.overline}</p>
<h1>${parts.heading}</h1>
${parts.intro}
</header>
<main class="page">
${parts.body}
</main>
<footer class="page"><p>${parts.footer}</p></footer>
</body>
</html>
`.text
  }`;
}
