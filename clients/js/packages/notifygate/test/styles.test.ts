/** The built style sheet, for browsers that know no custom properties and no flex without a prefix. */

import { readFileSync } from 'node:fs';
import postcss, { type Declaration, type Rule } from 'postcss';
import { expect, it } from 'vitest';
import { TARGET } from '../../../build/places.mjs';

const sheet = postcss.parse(readFileSync(`${TARGET}/notifygate-bell.css`, 'utf8'));

function declarations(found: (declaration: Declaration) => boolean): Declaration[] {
  const all: Declaration[] = [];
  sheet.walkDecls((declaration) => {
    if (found(declaration)) all.push(declaration);
  });
  return all;
}

function isBefore(other: Declaration, wanted: (one: Declaration) => boolean): boolean {
  const nodes = (other.parent as Rule).nodes;
  return nodes.slice(0, nodes.indexOf(other)).some((node) => node.type === 'decl' && wanted(node));
}

it('has a plain value before each one with a custom property', () => {
  const variable = declarations((one) => !one.prop.startsWith('--') && one.value.includes('var('));
  expect(variable.length).toBeGreaterThan(100);
  const bare = variable.filter(
    (one) => !isBefore(one, (other) => other.prop === one.prop && !other.value.includes('var('))
  );
  expect(bare.map(String)).toEqual([]);
});

it('has a weight in hundreds before each other one', () => {
  const weights = declarations((one) => one.prop === 'font-weight' && Number(one.value) % 100 > 0);
  expect(weights.length).toBeGreaterThan(2);
  const bare = weights.filter(
    (one) => !isBefore(one, (other) => other.prop === one.prop && Number(other.value) % 100 === 0)
  );
  expect(bare.map((one) => (one.parent as Rule).selector)).toEqual([]);
});

it('has the flex boxes of old browsers', () => {
  const flex = declarations((one) => one.prop === 'display' && one.value === 'flex');
  expect(flex.length).toBeGreaterThan(20);
  for (const name of ['-webkit-flex', '-ms-flexbox']) {
    const missing = flex.filter((one) => !isBefore(one, (other) => other.prop === 'display' && other.value === name));
    expect(missing.map((one) => (one.parent as Rule).selector)).toEqual([]);
  }
});

it('has the scheme of each theme, for the select of a WebKit that draws its background itself', () => {
  const schemes = declarations((one) => one.prop === 'color-scheme');
  expect(schemes.map((one) => [(one.parent as Rule).selector, one.value])).toEqual([
    ['.ngb', 'light'],
    ['.ngb:not(.ngb-light)', 'dark'],
    ['.ngb.ngb-dark', 'dark']
  ]);
});
