import vue from '@vitejs/plugin-vue';
import { example } from '../vite.mjs';

export default example([vue()]);
