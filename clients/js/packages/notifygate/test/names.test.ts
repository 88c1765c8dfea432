/** Which properties the build may shorten. A public one, or one that leaves the script, would break what others read. */

import { expect, it } from 'vitest';
import { internalNames } from '../../../build/names.mjs';

// Not in a test, which has a time limit: TypeScript reads all sources.
const NAMES: Record<string, string[]> = { core: internalNames('core'), bell: internalNames('bell') };

it('shortens what only the script itself uses', () => {
  expect(NAMES.core).toEqual(expect.arrayContaining(['isLeader', 'suspicion', 'sorted', 'timer']));
  expect(NAMES.bell).toEqual(expect.arrayContaining(['panel', 'scroller', 'setFilter', 'undoBar']));
});

it.each([
  ['core', 'public', ['markRead', 'getSnapshot', 'hasMore', 'notModified', 'platform', 'buffered']],
  ['core', 'stored or sent to other tabs', ['visible', 'at', 'until', 'death', 'again', 'hello', 'whole', 'fresh', 'prev', 'from']],
  ['core', 'in the JSON of the gateway', ['notifications', 'cursor', 'has_more', 'poll', 'op', 'up_to', 'held']],
  ['core', 'of a browser', ['readyState', 'newValue', 'locks', 'steal', 'ifAvailable']],
  ['bell', 'public', ['pausePopups', 'showSettings', 'isOpen', 'client', 'strings', 'isSafeUrl', 'node', 'notifygateBell']],
  ['bell', 'an option', ['groupBy', 'toastSeconds', 'onOpenChange', 'iconOrigins', 'render', 'release']],
  ['bell', 'the name of a text or an icon', ['bellUnread', 'markAllRead', 'sectionNew', 'gear', 'archive']],
  ['bell', 'chosen by a string', ['halt', 'run', 'left', 'right']],
  ['bell', 'of a browser', ['requireInteraction', 'currentTarget', 'offsetHeight', 'maxHeight', 'hidden', 'onclick']]
])('keeps in the %s what is %s', (folder, _, names) => {
  expect(NAMES[folder]!.filter((name) => names.includes(name))).toEqual([]);
});
