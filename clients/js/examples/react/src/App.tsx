import { useState } from 'react';
import { Inbox } from './Inbox';
import { Topics } from './Topics';

export function App() {
  const [isShown, setShown] = useState(true);
  return (
    <>
      <button onClick={() => setShown(!isShown)}>{isShown ? 'Hide the inbox' : 'Show the inbox'}</button>
      {isShown && <Inbox />}
      {isShown && <Topics />}
    </>
  );
}
