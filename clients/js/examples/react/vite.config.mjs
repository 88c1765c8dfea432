import { example } from '../vite.mjs';

export default example();
