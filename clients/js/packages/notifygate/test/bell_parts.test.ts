/** Parts of the bell that need no browser: filters, addresses in texts, initials, options. */

import { describe, expect, it, vi } from 'vitest';
import { LANGUAGES } from '../../../build/places.mjs';
import type { NotifygateBell } from '../src/bell/bell';
import { colourOf, initials } from '../src/bell/faces';
import { filterCount, filtersFor } from '../src/bell/filters';
import { pieces } from '../src/bell/links';
import { copy } from '../src/bell/objects';
import { STRINGS } from '../src/bell/strings';
import { announce } from '../src/bell/presenter';
import { Texts } from '../src/bell/text';
import { notification } from './fake_platform';

describe('filters', () => {
  const texts = new Texts('en', null);
  const [all, unread, comments, rare] = filtersFor(texts, [
    { label: 'Comments', types: ['comment', 'mention.*'] },
    { label: 'Rare', filter: (item) => item.title === 'rare' }
  ]);
  const read = { read_at: 'then' };
  const items = [
    notification('5', { type: 'comment' }),
    notification('4', { type: 'comment', ...read }),
    notification('3', { type: 'mention.issue' }),
    notification('2', { type: 'commentary', title: 'rare' }),
    notification('1', { type: 'deploy', ...read })
  ];

  it('a tab matches types by name, by the beginning of the name, or by a function', () => {
    const found = [all, unread, comments, rare].map((filter) => items.filter(filter!.matches).map((item) => item.id));
    expect(found).toEqual([['5', '4', '3', '2', '1'], ['5', '3', '2'], ['5', '4', '3'], ['2']]);
  });

  it('counts unread ones; a tab shows that there may be more where the gateway counts more', () => {
    expect([all, unread, comments, rare].map((filter) => filterCount(filter!, items, 3))).toEqual(['', '3', '2', '1']);
    expect(filterCount(comments!, items, 144)).toBe('2+');
    expect(filterCount(unread!, items, 144)).toBe('144');
    expect(filterCount(comments!, [], 0)).toBe('');
  });
});

describe('addresses in texts', () => {
  function links(text: string): string[] {
    const found = pieces(text);
    expect(found.map((piece) => piece.text).join('')).toBe(text);
    return found.filter((piece) => piece.isLink).map((piece) => piece.text);
  }

  it.each([
    ['See https://example.com/a?b=c#d.', ['https://example.com/a?b=c#d']],
    ['(https://example.com/a_(b)), HTTP://EXAMPLE.com!', ['https://example.com/a_(b)', 'HTTP://EXAMPLE.com']],
    ['https://a.example\nhttps://b.example/', ['https://a.example', 'https://b.example/']],
    ['<a href="https://a.example">', ['https://a.example']],
    ['“https://a.example/x”', ['https://a.example/x']],
    ['**https://a.example/x**', ['https://a.example/x']]
  ])('%s', (text, expected) => {
    expect(links(text)).toEqual(expected);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://example.com',
    'https://',
    'https:// example.com',
    'xhttps://example.com',
    'https://bank.example@evil.example/',
    'https://bank.example:443@evil.example',
    'example.com and //example.com and /a',
    'https:\\\\evil.example'
  ])('no link: %s', (text) => {
    expect(links(text)).toEqual([]);
  });

  it('a character that turns the direction around ends an address', () => {
    expect(links('https://a.example/\u202egpj.exe')).toEqual(['https://a.example/']);
  });

  it('takes a time that grows with the length only', () => {
    expect(links('https://a.example/' + '('.repeat(900) + '.'.repeat(900))).toHaveLength(1);
    expect(links('https://a.example/'.repeat(200))).toHaveLength(0); // longer than a link may be
  });
});

describe('initials', () => {
  it.each([
    ['Nina Volkova', 'NV'],
    ['Ana Maria de la Cruz', 'AC'],
    ['bob', 'B'],
    ['  Eve  ', 'E'],
    ['"Chiara" (Rossi)', 'CR'],
    ['ليلى حسن', 'لح'],
    ['李 小龙', '李小'],
    ['\u{20000}x', '\u{20000}'],
    ['\u202eretlahctuN', 'R'],
    ['42 things', '4T'],
    ['!!! ---', ''],
    ['', '']
  ])('%s', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });

  function luminance(hue: number, saturation: number, lightness: number): number {
    const a = saturation * Math.min(lightness, 1 - lightness);
    const channel = (n: number): number => {
      const k = (n + hue / 30) % 12;
      const value = lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1));
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * channel(0) + 0.7152 * channel(8) + 0.0722 * channel(4);
  }

  it('stand out from every colour by 4.5 to 1', () => {
    const colours = new Set(Array.from({ length: 2000 }, (_, n) => colourOf(`Name ${n}`)));
    expect(colours.size).toBe(24);
    for (const colour of colours) {
      const [hue, saturation, lightness] = colour.match(/\d+/g)!.map(Number) as [number, number, number];
      expect(1.05 / (luminance(hue, saturation / 100, lightness / 100) + 0.05), colour).toBeGreaterThan(4.5);
    }
  });
});

it('an option that is undefined is not given', () => {
  const options = copy({ theme: 'auto', open: null }, { theme: undefined, open: false }, undefined);
  expect(options).toEqual({ theme: 'auto', open: false });
});

it('properties that are inherited are copied, unless all objects inherit them', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  prototype.each = () => {};
  try {
    expect(Object.keys(copy({}, Object.create({ theme: 'dark' }), { view: 'list' }))).toEqual(['theme', 'view']);
  } finally {
    delete prototype.each;
  }
});

it.each([
  [3, 'New notification: 1. New notification: 2. New notification: 3'],
  [4, '4 new notifications']
])('a burst of %s is announced as %s', (count, text) => {
  const say = vi.fn();
  const bell = { announcer: { say }, texts: new Texts('en', null) } as unknown as NotifygateBell;
  announce(bell, Array.from({ length: count }, (_, n) => notification(String(n), { title: String(n + 1) })));
  expect(say.mock.calls).toEqual([[text]]);
});

it.each(LANGUAGES)('language %s has every text, with the same gaps', async (language) => {
  const gaps = (text: unknown): string[] => (String(text).match(/\{\w+\}/g) || []).sort();
  const { default: strings } = await import(`../src/languages/${language}.ts`);
  expect(Object.keys(strings)).toEqual(Object.keys(STRINGS.en));
  for (const [name, english] of Object.entries(STRINGS.en)) expect(gaps(strings[name]), name).toEqual(gaps(english));
});
