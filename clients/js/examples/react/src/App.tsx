import { useState } from 'react';
import { Inbox } from './Inbox';

export function App() {
  const [isShown, setShown] = useState(true);
  return (
    <>
      <button onClick={() => setShown(!isShown)}>{isShown ? 'Hide the inbox' : 'Show the inbox'}</button>
      {isShown && <Inbox />}
    </>
  );
}
