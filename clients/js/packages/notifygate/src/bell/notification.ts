/** The meaning of a notification's fields. */

import { contains } from './objects';
import type Notifygate from '../../types/index';

type Notification = Notifygate.Notification;

/** How one can be shown, in the order in which the settings offer it. */
export const DISPLAYS = ['toast', 'browser', 'modal', 'badge', 'none'];

const PRIORITIES = ['low', 'normal', 'high', 'critical'];

export function isUrgent(item: Notification) {
  return item.priority === 'high' || item.priority === 'critical';
}

export function timeOf(item: Notification) {
  return Date.parse(item.created_at) || Date.now();
}

export function priorityOf(item: Notification) {
  return contains(PRIORITIES, item.priority) ? item.priority : 'normal';
}

export function urgencyOf(item: Notification) {
  return PRIORITIES.indexOf(priorityOf(item));
}
