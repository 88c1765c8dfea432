/** The options of a bell: the defaults of those that have one. docs/bell.md explains them. */

import type Bell from '../../types/notifygate-bell';

const TOAST_SECONDS = 6;

const UNDO_SECONDS = 6;

const PAGE_SIZE = 30;

export const DEFAULTS = {
  view: 'bell', tabs: [] as Bell.Tab[], iconOrigins: [] as string[], toasts: true, toastSeconds: TOAST_SECONDS,
  toastPosition: 'top-right', titleCount: true, pageSize: PAGE_SIZE, undoSeconds: UNDO_SECONDS
};
