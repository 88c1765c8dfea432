/** Parts of a bell that a framework renders: which of its nodes are to be filled with what. */

import type Notifygate from 'notifygate';
import type NotifygateBell from 'notifygate/bell';

type Render = NotifygateBell.Render;
export type SlotName = Exclude<keyof Render, 'release'>;

/** Those that belong to one notification. */
export type CardSlotName = 'item' | 'avatar' | 'body' | 'actions';

export const SLOT_NAMES: SlotName[] = ['item', 'avatar', 'body', 'actions', 'empty', 'header', 'footer'];

/** A node of a bell, and what belongs into it. */
export interface Slot {
  readonly key: number;
  readonly node: HTMLElement;
  readonly name: SlotName;
  /** Null for a part that belongs to no notification. */
  readonly notification: Notifygate.Notification | null;
}

/**
 * Return the option `render` for a framework that fills some parts. `changed` gets all slots whenever one is added, dropped
 * or about another notification.
 */
export function renderSlots(names: readonly SlotName[], changed: (slots: Slot[]) => void): Render {
  const slots = new Map<Node, Slot>();
  let count = 0;

  function fill(name: SlotName, notification: Notifygate.Notification | null, node: Node | null): Node {
    const old = node && slots.get(node);
    if (old && old.notification === notification) return old.node;
    const made = old ? { ...old, notification } : { key: ++count, node: document.createElement('div'), name, notification };
    slots.set(made.node, made);
    changed([...slots.values()]);
    return made.node;
  }

  const render: Render = {
    release(node) {
      if (slots.delete(node)) changed([...slots.values()]);
    }
  };
  for (const name of names) {
    const isOfCard = ['item', 'avatar', 'body', 'actions'].includes(name);
    const work = isOfCard
      ? (notification: Notifygate.Notification, part: NotifygateBell.Part) => fill(name, notification, part.node)
      : (part: NotifygateBell.Part) => fill(name, null, part.node);
    Object.assign(render, { [name]: work });
  }
  return render;
}
