import { actionsOf, makeClient, topicsOf } from 'notifygate/adapter';
import 'notifygate/element';
import 'notifygate/bell.css';
import '../../style.css';

// One client for the bell and for the page's own lists. A page with the bell alone needs no script of its own:
// <notifygate-bell token-url="/my/notification-token" user="alice"></notifygate-bell>
let user = 'alice';
let client = clientOf(user);
let section = null;
let unsubscribe;

const toggle = document.getElementById('toggle');
toggle.onclick = () => {
  if (section) hide();
  else show();
  toggle.textContent = section ? 'Hide the inbox' : 'Show the inbox';
};
document.getElementById('user').onclick = () => {
  user = user === 'alice' ? 'bob' : 'alice';
  client = clientOf(user);
  if (section) observe();
};
show();

function clientOf(user) {
  return makeClient({ tokenUrl: '/my/notification-token', user });
}

function show() {
  section = document.getElementById('inbox').content.firstElementChild.cloneNode(true);
  observe();
  document.body.append(section);
}

function hide() {
  unsubscribe();
  section.remove();
  section = unsubscribe = null;
}

/** Show what the present client has, from now on. */
function observe() {
  const topics = topicsOf(client);
  unsubscribe?.();
  section.querySelector('notifygate-bell').client = client;
  section.querySelector('.mark-all').onclick = () => actionsOf(client).markAllRead();
  const ends = [client.subscribe(render), topics.subscribe(render)];
  unsubscribe = () => ends.forEach((end) => end());
  render();

  function render() {
    const { notifications, status, unread } = client.getSnapshot();
    section.querySelector('.count').textContent = status === 'pending' ? 'Loading' : `${unread} unread`;
    section.querySelector('.items').replaceChildren(...notifications.map(listItem));
    section.querySelector('.topics').replaceChildren(...topics.getSnapshot().topics.map(topicLabel));
  }
}

function listItem(notification) {
  const item = document.createElement('li');
  item.textContent = notification.title;
  if (!notification.read_at) {
    const button = document.createElement('button');
    button.textContent = 'Mark as read';
    button.onclick = () => actionsOf(client).markRead(notification.id);
    item.className = 'unread';
    item.append(button);
  }
  return item;
}

function topicLabel({ topic, following }) {
  const { follow, unfollow } = topicsOf(client).getSnapshot();
  const label = document.createElement('label');
  const box = document.createElement('input');
  box.type = 'checkbox';
  box.checked = following;
  box.onchange = () => (following ? unfollow(topic) : follow(topic));
  label.append(box, topic);
  return label;
}
