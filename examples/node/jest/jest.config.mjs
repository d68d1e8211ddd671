import 'aseqd/register';

export default { testMatch: ['**/*.test.js'] };
