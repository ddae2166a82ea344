import type { Fact } from '../describe.js';
import type { Table } from '../tables.js';
import { html, type Markup, NOTHING } from './markup.js';
import { TERMS } from './terms.js';

/** A table that scrolls in its own frame where the page is too narrow; rows are named by their first cell. */
export function tableBlock(table: Table): Markup {
  if (table.rows.length === 0) return NOTHING;
  const classOf = (index: number) => (table.columns[index]?.numeric ? html` class="num"` : NOTHING);
  const head = table.columns.map(
    ({ label }, index) => html`<th scope="col"${classOf(index)}>${label}</th>`,
  );
  const rows = table.rows.map((row) => {
    const cells = row.map((cell, index) => {
      const text = cell ?? html`<span class="soft">–</span>`;
      return index === 0
        ? html`<th scope="row"${classOf(0)}>${text}</th>`
        : html`<td${classOf(index)}>${text}</td>`;
    });
    return html`<tr>${cells}</tr>\n`;
  });
  const note = table.note ? html`<p class="table-note">${table.note}</p>` : NOTHING;
  return html`<div class="table" role="group" aria-label="${table.caption}" tabindex="0"><table><caption>${table.caption}</caption><thead><tr>${head}</tr></thead><tbody>
${rows}</tbody></table></div>${note}
`;
}

export function factsBlock(facts: readonly Fact[]): Markup {
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
`;
}

/** A chart with its heading and a sentence that says how to read it. */
export function figureBlock(
  title: string,
  text: string,
  chart: Markup | readonly Markup[],
  wide = false,
): Markup {
  return html`<figure${wide ? html` class="wide"` : NOTHING}><figcaption><h3>${title}</h3>${text && html`<p>${text}</p>`}</figcaption>${chart}</figure>
`;
}

/** Names with a swatch of the colour that their class stands for. */
export function legendBlock(entries: readonly (readonly [name: string, color: string])[]): Markup {
  return html`<ul class="legend">${entries.map(([name, color]) => html`<li class="${color}">${name}</li>`)}</ul>
`;
}

/** A chart drawn for a wide column and again for a phone; the style shows one of them. */
export function responsive(draw: (width: number, id: string) => Markup, id: string): Markup[] {
  return [
    html`<div class="for-wide">${draw(1060, `${id}-w`)}</div>`,
    html`<div class="for-narrow">${draw(440, `${id}-n`)}</div>`,
  ];
}

export function section(
  id: string,
  title: string,
  ...body: (Markup | readonly Markup[])[]
): Markup {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${body}</section>
`;
}

export function definitionsBlock(): Markup {
  return html`<dl class="defs">${TERMS.map(([term, meaning]) => html`<div><dt>${term}</dt><dd>${meaning}</dd></div>`)}</dl>`;
}
